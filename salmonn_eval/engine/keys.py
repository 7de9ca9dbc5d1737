"""Request keys: equal keys mean that the same model would be asked the same thing in the same way."""

from collections.abc import Sequence

from salmonn_eval.canonical import fingerprint
from salmonn_eval.identity import clip_identity
from salmonn_eval.records import AudioPolicy, Clip, Generation, Request, Variant

KEY_DIGITS = 24


def request_key(
    *,
    task: str,
    dataset: str,
    sample_id: str,
    clips: Sequence[Clip],
    instruction: str,
    generation: Generation,
    variant: Variant,
    policy: AudioPolicy | None,
    model: str,
    text: str | None = None,
) -> str:
    """Hash all that can change an answer; `model` is the card's fingerprint (weights, template, dtype).

    Audio counts by content, not by place: a moved corpus keeps its keys. What could not be hashed counts by path.
    """
    heard = [clip_identity(clip) for clip in clips]
    asked = [task, dataset, sample_id, heard, instruction, generation, variant, policy if clips else None, model]
    if text is not None:
        asked.append(text)
    return fingerprint(asked, KEY_DIGITS)


def shard_of(request: Request, count: int) -> int:
    """The shard (from 1) that answers a request: by its audio, so that tasks which share a clip share a shard."""
    shared = [clip_identity(clip)[0] for clip in request.clips] or request.sample_id
    return int(fingerprint(shared), 16) % count + 1
