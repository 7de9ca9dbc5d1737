import hashlib
from pathlib import Path

import msgspec
import pytest

from salmonn_eval.canonical import fingerprint
from salmonn_eval.identity import clip_identity, part_identity
from salmonn_eval.records import AudioRef, Clip

RECORDING = Path(__file__).resolve().parent / "data" / "audio" / "367-130732-0006.flac"
SHA256 = hashlib.sha256(RECORDING.read_bytes()).hexdigest()
CLIP = Clip((AudioRef("a.flac", sha256=SHA256), AudioRef("b.flac", sha256="b" * 64)), "mix", gains=(1.0, 0.5))


def test_a_part_is_its_content_wherever_it_lies_and_its_cut():
    held = AudioRef(data=RECORDING.read_bytes(), start_s=0.5, end_s=2.0)
    moved = AudioRef("moved.flac", sha256=SHA256, start_s=0.5, end_s=2.0)
    assert part_identity(held) == part_identity(moved) == [SHA256, 0.5, 2.0]


def test_what_was_never_hashed_is_its_path_and_no_hash():
    assert part_identity(AudioRef(SHA256)) == [f"path:{SHA256}", 0.0, None]


def test_the_form_is_parts_join_condition_and_seed():
    clip = msgspec.structs.replace(CLIP, condition="noise", condition_seed=3)
    parts = [[SHA256, 0.0, None], ["b" * 64, 0.0, None]]
    assert clip_identity(clip) == [parts, ["mix", 0.0, (1.0, 0.5), "max"], "noise", 3]


@pytest.mark.parametrize(
    "change",
    [
        {"parts": CLIP.parts[::-1]},
        {"parts": (AudioRef("a.flac", sha256=SHA256, end_s=1.0), CLIP.parts[1])},
        {"join": "concat"},
        {"gap_s": 0.1},
        {"gains": (0.5, 1.0)},
        {"mix_length": "min"},
        {"condition": "silence"},
        {"condition_seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_sound_changes_the_identity(change):
    assert fingerprint(clip_identity(msgspec.structs.replace(CLIP, **change))) != fingerprint(clip_identity(CLIP))
