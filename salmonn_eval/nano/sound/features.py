"""What the encoders' front ends make of a pool, on disk: half the time of a training step otherwise.

shard-0007.mel    log-mel frames [T, 80] of its clips one after the other, float16
shard-0007.bank   filter-bank frames [T, 128], float16
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.jsonl import write_atomic
from salmonn_eval.models.salmonn import frontend
from salmonn_eval.nano.scene import Scene
from salmonn_eval.nano.sound.pool import pooled, shards

Frames = NDArray[np.float16]
MEL_BINS, BANK_BINS = 80, 128
_MEL_SHIFT = 160


class HeardClip(Struct, frozen=True, eq=False):
    """A scene with its log-mel [T, 80] and filter bank [T', 128], mapped from disk, and its length in samples."""

    scene: Scene
    samples: int
    mel: Frames
    bank: Frames


def build_features(pool: Path) -> None:
    """Compute them for every shard that lacks them."""
    for rows in shards(pool):
        if rows.with_suffix(".bank").exists():
            continue
        mels, banks = [], []
        for clip in pooled(rows):
            wave = torch.from_numpy(clip.samples.astype(np.float32) / 32767)
            whole = len(wave) // _MEL_SHIFT * _MEL_SHIFT
            mels.append(frontend.log_mel([wave], MEL_BINS, whole)[0].T.contiguous().numpy().astype(np.float16))
            banks.append(frontend.fbank([wave])[0].numpy().astype(np.float16))
        write_atomic(rows.with_suffix(".mel"), [one.tobytes() for one in mels])
        write_atomic(rows.with_suffix(".bank"), [one.tobytes() for one in banks])


def heard(rows: Path) -> Iterator[HeardClip]:
    """The clips of one shard."""
    mels = np.memmap(rows.with_suffix(".mel"), np.float16, "r").reshape(-1, MEL_BINS)
    banks = np.memmap(rows.with_suffix(".bank"), np.float16, "r").reshape(-1, BANK_BINS)
    mel = bank = 0
    for clip in pooled(rows):
        samples = len(clip.samples)
        next_mel, next_bank = mel + samples // _MEL_SHIFT, bank + frontend.frame_count(samples)
        yield HeardClip(clip.scene, samples, mels[mel:next_mel], banks[bank:next_bank])
        mel, bank = next_mel, next_bank
