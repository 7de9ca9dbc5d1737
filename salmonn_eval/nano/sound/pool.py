"""A pool of rendered clips on disk, in shards: what encoders and the stages are trained on.

shard-0007.i16    samples of its clips one after the other, 16-bit mono at 16 kHz
shard-0007.jsonl  a line each: the scene, where its samples start, how many
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.jsonl import read_rows, write_atomic
from salmonn_eval.nano.scene import Scene, Split
from salmonn_eval.nano.sound.render import render
from salmonn_eval.nano.sound.speech import coded, decoded
from salmonn_eval.nano.sound.voices import voices
from salmonn_eval.nano.world.scenes import Told, draw_told

Samples = NDArray[np.int16]
SHARD = 500
CODED_EVERY = 2
"""Coding takes three times as long as rendering; a model that heard half of its clips coded knows the coding."""


class Row(Struct, frozen=True):
    """One clip of a shard."""

    scene: Scene
    start: int
    length: int


class PooledClip(Struct, frozen=True, eq=False):
    """A scene and its samples [T], 16-bit at 16 kHz, mapped from disk."""

    scene: Scene
    samples: Samples


def build_pool(folder: Path, split: Split, clips: int, *, seed: int, workers: int) -> None:
    """Render so many clips of a split, in whole shards; shards that are there already are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(-(-clips // SHARD)) if not _rows(folder, number).exists()]
    if workers == 1:
        for number in missing:
            _render_shard(number, folder, split, seed)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn) as processes:
        list(processes.map(partial(_render_shard, folder=folder, split=split, seed=seed), missing))


def shards(folder: Path) -> list[Path]:
    """The finished shards, by the file with their lines."""
    return sorted(folder.glob("shard-*.jsonl"))


def pooled(rows: Path) -> Iterator[PooledClip]:
    """The clips of one shard."""
    samples = np.memmap(rows.with_suffix(".i16"), np.int16, "r")
    for _, row in read_rows(rows, Row, what="line of a pool"):
        yield PooledClip(row.scene, samples[row.start : row.start + row.length])


def told(number: int, split: Split, *, seed: int) -> Iterator[Told]:
    """What is known of a shard's scenes: they are drawn once more."""
    rng = Random(f"{seed} {split} {number}")
    for _ in range(SHARD):
        yield draw_told(rng, split, voices(split))


def _render_shard(number: int, folder: Path, split: Split, seed: int) -> None:
    parts: list[Samples] = []
    lines: list[bytes] = []
    start = 0
    for index, one in enumerate(told(number, split, seed=seed)):
        heard = render(one.scene)
        if index % CODED_EVERY == 0:
            heard = decoded(coded(heard))
        parts.append(np.round(heard * 32767).astype(np.int16))
        lines.append(msgspec.json.encode(Row(one.scene, start, len(parts[-1]))) + b"\n")
        start += len(parts[-1])
    rows = _rows(folder, number)
    write_atomic(rows.with_suffix(".i16"), [part.tobytes() for part in parts])
    write_atomic(rows, lines)


def _rows(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:04d}.jsonl"
