"""Conditions that take the real sound away: silence, noise at its level, another sample's sound."""

import hashlib
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from salmonn_eval.canonical import canonical
from salmonn_eval.identity import clip_identity
from salmonn_eval.records import Clip


def conditioned(sound: NDArray[np.float32], clip: Clip) -> NDArray[np.float32]:
    """`sound` [T] under the clip's condition, at the same length.

    Noise is white and Gaussian at the root mean square of `sound` itself, not clipped to ±1; the noise of digital
    silence is silence. It is drawn from `condition_seed` and the clip's content, so that two clips never get the same.
    """
    if clip.condition == "silence":
        return np.zeros_like(sound)
    if clip.condition == "noise":
        level = np.sqrt(np.mean(np.square(sound, dtype=np.float64)))
        digest = hashlib.sha256(canonical(clip_identity(clip))).digest()
        random = np.random.default_rng([clip.condition_seed, int.from_bytes(digest[:8])])
        noise: NDArray[np.float64] = level * random.standard_normal(len(sound))
        return noise.astype(np.float32)
    return sound


def swap_partners(samples: Sequence[tuple[Clip, ...]], seed: int) -> list[int]:
    """For each sample the index of another one whose sound it gets: a seeded permutation without fixed points.

    Nobody gets content equal to their own unless more than half of all samples share it (then as few as possible
    do). A single sample has no partner but itself.
    """
    groups: dict[bytes, list[int]] = {}
    for index in np.random.default_rng(seed).permutation(len(samples)).tolist():
        groups.setdefault(canonical([clip_identity(clip) for clip in samples[index]]), []).append(index)
    # Equal content side by side, the largest group first: a rotation by that group's size leaves every group.
    by_size = sorted(groups.values(), key=lambda group: -len(group))
    order = list(chain.from_iterable(by_size))
    step = len(by_size[0]) if by_size else 0
    if len(groups) == 1:
        step = 1
    partners = [0] * len(order)
    for position, index in enumerate(order):
        partners[index] = order[(position + step) % len(order)]
    return partners
