"""Batches of pooled clips: any step's batch can be drawn at once, so that training resumes where it stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from salmonn_eval.nano.scene import Scene
from salmonn_eval.nano.sound.features import HeardClip, heard
from salmonn_eval.nano.sound.pool import shards

NEARBY = 6
"""A batch is drawn from so many times its size of clips of nearly one length."""


def kind_of(scene: Scene) -> str:
    """`music`, `events`, `background`, `mixed`, `joined` or `speech`."""
    if scene.music:
        return "music"
    if not scene.utterances:
        return "events"
    if scene.events:
        return "background"
    return "speech" if scene.arrangement == "alone" else scene.arrangement


class Clips:
    """The clips of a pool, by length; `kinds` gives how often a batch is of a kind (others are left out)."""

    def __init__(self, folder: Path, kinds: Mapping[str, float], *, most_shards: int | None = None) -> None:
        self._kinds = dict(kinds)
        found: dict[str, list[HeardClip]] = {kind: [] for kind in kinds}
        finished = [rows for rows in shards(folder) if rows.with_suffix(".bank").exists()]
        for rows in finished[:most_shards]:
            for clip in heard(rows):
                if (kind := kind_of(clip.scene)) in found:
                    found[kind].append(clip)
        self._clips = {kind: sorted(clips, key=lambda clip: clip.samples) for kind, clips in found.items()}

    def __len__(self) -> int:
        return sum(map(len, self._clips.values()))

    def batch(self, rng: Random, size: int) -> list[HeardClip]:
        """Random clips, each kind with clips of nearly one length."""
        kinds = rng.choices(list(self._kinds), list(self._kinds.values()), k=size)
        place = rng.random()
        drawn = []
        for kind in kinds:
            clips = self._clips[kind]
            middle = int(place * len(clips))
            low = max(0, min(middle - NEARBY * size // 2, len(clips) - NEARBY * size))
            near = clips[low : low + NEARBY * size]
            drawn.append(rng.choice(near))
        return drawn

    def in_order(self) -> Sequence[HeardClip]:
        """All of them, by kind and length."""
        return [clip for clips in self._clips.values() for clip in clips]


def mels(clips: Sequence[HeardClip], frames: int) -> Tensor:
    """Log-mels [B, 80, frames], padded as silence is: two below the clip's loudest, the floor of Whisper's scale."""
    found = torch.empty(len(clips), clips[0].mel.shape[1], frames)
    for row, clip in zip(found, clips, strict=True):
        mel = torch.from_numpy(np.asarray(clip.mel[:frames], np.float32)).T
        row[:] = mel.max() - 2.0
        row[:, : mel.shape[1]] = mel
    return found


def banks(clips: Sequence[HeardClip]) -> list[Tensor]:
    """Filter banks [T_i, 128]."""
    return [torch.from_numpy(np.asarray(clip.bank, np.float32)) for clip in clips]
