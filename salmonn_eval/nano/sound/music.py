"""A few bars: chords and their notes one by one, in a mode, at a tempo, on an instrument."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from salmonn_eval.nano.scene import SAMPLE_RATE, Mode, Music, Tempo

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

SECONDS = 3.6
_BEATS_A_MINUTE: Mapping[Tempo, tuple[float, float]] = {"slow": (58, 76), "fast": (150, 180)}
_SCALE: Mapping[Mode, tuple[int, ...]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_DEGREES = (0, 0, 3, 4)  # tonic, tonic, subdominant, dominant


def play(music: Music, rng: Generator) -> Samples:
    """The piece [T] at 16 kHz, peak 1."""
    beat = 60 / rng.uniform(*_BEATS_A_MINUTE[music.tempo])
    root = 57 + int(rng.integers(0, 8))  # MIDI: A3 to E4
    scale, voice = _SCALE[music.mode], _INSTRUMENTS[music.instrument]
    total = np.zeros(int((SECONDS + 1) * SAMPLE_RATE))
    for number in range(int(SECONDS / beat) + 1):
        degree = 0 if number == 0 else int(rng.choice(_DEGREES))
        triad = [root + scale[(degree + step) % 7] + 12 * ((degree + step) // 7) for step in (0, 2, 4)]
        melody = root + 12 + scale[int(rng.choice((0, 2, 2, 4)))]  # the third tells the mode
        for note, level in (*((note, 0.6) for note in triad), (melody, 1.0)):
            made = level * voice(440 * 2 ** ((note - 69) / 12), beat)
            start = int(number * beat * SAMPLE_RATE)
            part = total[start : start + len(made)]
            part += made[: len(part)]
    total = total[: int(SECONDS * SAMPLE_RATE)]
    return (total / (np.abs(total).max() or 1.0)).astype(np.float32)


def _time(seconds: float) -> Floats:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _piano(frequency: float, beat: float) -> Floats:
    t = _time(min(1.2, 1.6 * beat))
    waves = (np.sin(2 * np.pi * n * frequency * t) * np.exp(-(2 + 1.2 * n) * t) / n**1.2 for n in range(1, 8))
    return np.asarray(sum(waves), np.float64)


def _flute(frequency: float, beat: float) -> Floats:
    t = _time(0.95 * beat)
    shake = 1 + 0.006 * np.sin(2 * np.pi * 5.5 * t)
    phase = 2 * np.pi * frequency * np.cumsum(shake) / SAMPLE_RATE
    envelope = np.minimum(1, t / 0.07) * np.minimum(1, (t[-1] - t) / 0.05)
    return np.asarray((np.sin(phase) + 0.18 * np.sin(2 * phase)) * envelope, np.float64)


def _organ(frequency: float, beat: float) -> Floats:
    t = _time(beat)
    envelope = np.minimum(1, t / 0.02) * np.minimum(1, (t[-1] - t) / 0.02)
    partials = ((0.5, 0.6), (1, 1), (2, 0.8), (3, 0.5), (4, 0.5), (6, 0.4), (8, 0.3))
    return np.asarray(sum(a * np.sin(2 * np.pi * f * frequency * t) for f, a in partials) * envelope, np.float64)


def _guitar(frequency: float, beat: float) -> Floats:
    t = _time(min(0.9, 1.4 * beat))
    # A plucked string: all harmonics at first, the high ones gone at once.
    waves = (
        np.sin(2 * np.pi * n * frequency * t + n)
        * np.exp(-(1.5 + 0.9 * n * n) * t)
        * abs(np.sin(0.23 * np.pi * n))
        / n**0.5
        for n in range(1, 14)
        if n * frequency < SAMPLE_RATE / 2
    )
    return np.asarray(sum(waves), np.float64)


_INSTRUMENTS: Mapping[str, Callable[[float, float], Floats]] = {
    "piano": _piano,
    "flute": _flute,
    "organ": _organ,
    "guitar": _guitar,
}
