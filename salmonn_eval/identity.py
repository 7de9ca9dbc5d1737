"""What makes two clips sound the same, wherever their audio lies."""

import hashlib

from salmonn_eval.records import AudioRef, Clip


def clip_identity(clip: Clip) -> list[object]:
    """[parts, join, condition, condition_seed]: each part's content and cut, how they are joined, what is done.

    Plain data for `canonical` and `fingerprint`: equal for clips that decode to the same sound under one policy.
    """
    parts = [part_identity(part) for part in clip.parts]
    join = [clip.join, clip.gap_s, clip.gains, clip.mix_length]
    return [parts, join, clip.condition, clip.condition_seed]


def part_identity(ref: AudioRef) -> list[object]:
    """[content, start_s, end_s]; the content is the SHA-256 of the encoded bytes, where unknown the path."""
    content = ref.sha256
    if content is None:
        content = f"path:{ref.path}" if ref.data is None else hashlib.sha256(ref.data).hexdigest()
    return [content, ref.start_s, ref.end_s]
