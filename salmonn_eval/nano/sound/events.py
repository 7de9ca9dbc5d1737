"""The world's noises, from oscillators and noise; no two the same, all of a kind alike."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from salmonn_eval.nano.scene import SAMPLE_RATE

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]


def sound(event: str, rng: Generator) -> Samples:
    """One event [T] at 16 kHz, 0.6 to 2 s, peak 1; KeyError for an unknown one."""
    made = EVENT_SOUNDS[event](rng)
    ramp = np.minimum(1, np.minimum(np.arange(len(made)), np.arange(len(made))[::-1]) / 80)
    made = made * ramp
    return (made / (np.abs(made).max() or 1.0)).astype(np.float32)


def _time(seconds: float) -> Floats:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _tone(frequency: Floats, harmonics: int, tilt: float) -> Floats:
    """Harmonics of a gliding fundamental [T] in Hz, the n-th weaker by n ** tilt."""
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
    return np.asarray(sum(np.sin(n * phase) / n**tilt for n in range(1, harmonics + 1)), dtype=np.float64)


def _noise(rng: Generator, seconds: float, low: float, high: float) -> Floats:
    bands = butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(bands, rng.standard_normal(int(seconds * SAMPLE_RATE))), dtype=np.float64)


def _repeated(rng: Generator, once: Callable[[int], Floats], times: int, every: float) -> Floats:
    """One short sound again and again, not quite evenly."""
    parts = [once(n) for n in range(times)]
    total = np.zeros(int((times * every + 0.1) * SAMPLE_RATE) + max(map(len, parts)))
    for n, part in enumerate(parts):
        start = int(max(0.0, n * every + rng.uniform(-0.02, 0.02)) * SAMPLE_RATE)
        total[start : start + len(part)] += part
    return total


def _dog(rng: Generator) -> Floats:
    base = rng.uniform(320, 480)

    def bark(n: int) -> Floats:
        t = _time(0.16)
        return (_tone(base * (1.25 - 2.2 * t), 10, 0.7) + 2 * _noise(rng, 0.16, 400, 2500)) * np.exp(-t * 14)

    return _repeated(rng, bark, int(rng.integers(2, 5)), rng.uniform(0.28, 0.4))


def _cat(rng: Generator) -> Floats:
    t = _time(rng.uniform(0.7, 1.0))
    shape = np.sin(np.pi * t / t[-1])
    loudness: Floats = np.maximum(0, shape) ** 0.7
    return _tone(rng.uniform(450, 600) * (1 + 0.5 * shape), 9, 0.9) * loudness


def _bird(rng: Generator) -> Floats:
    base = rng.uniform(2800, 4200)

    def chirp(n: int) -> Floats:
        t = _time(0.09)
        return np.sin(2 * np.pi * np.cumsum(base * (1 + 0.35 * np.sin(2 * np.pi * t / 0.09))) / SAMPLE_RATE) * np.sin(
            np.pi * t / 0.09
        )

    return _repeated(rng, chirp, int(rng.integers(5, 9)), rng.uniform(0.14, 0.2))


def _rain(rng: Generator) -> Floats:
    seconds = rng.uniform(1.4, 2.0)
    drops = _noise(rng, seconds, 2000, 7000) * (rng.random(int(seconds * SAMPLE_RATE)) < 0.004) * 60
    return _noise(rng, seconds, 1200, 7500) + drops


def _thunder(rng: Generator) -> Floats:
    seconds = rng.uniform(1.6, 2.0)
    t = _time(seconds)
    rumble = _noise(rng, seconds, 30, 160) * (1 + 0.8 * np.sin(2 * np.pi * rng.uniform(2, 4) * t))
    return 3 * rumble * np.exp(-1.5 * t) + _noise(rng, seconds, 200, 1500) * np.exp(-12 * t)


def _siren(rng: Generator) -> Floats:
    t = _time(rng.uniform(1.6, 2.0))
    glide = np.sin(2 * np.pi * rng.uniform(0.9, 1.6) * t)
    return _tone(rng.uniform(750, 950) * (1 + 0.3 * glide), 4, 1.2)


def _bell(rng: Generator) -> Floats:
    t = _time(1.6)
    base = rng.uniform(550, 900)
    partials = ((0.5, 0.6, 1.5), (1, 1, 2), (1.19, 0.7, 2.5), (2.0, 0.6, 4), (2.74, 0.5, 6), (3.76, 0.3, 8))
    return np.asarray(sum(a * np.sin(2 * np.pi * base * f * t) * np.exp(-d * t) for f, a, d in partials), np.float64)


def _clock(rng: Generator) -> Floats:
    pitch = rng.uniform(2200, 3200)

    def tick(n: int) -> Floats:
        t = _time(0.03)
        return np.sin(2 * np.pi * pitch * (1 if n % 2 else 0.8) * t) * np.exp(-220 * t)

    return _repeated(rng, tick, int(rng.integers(5, 8)), rng.uniform(0.22, 0.3))


def _knock(rng: Generator) -> Floats:
    pitch = rng.uniform(150, 260)

    def once(n: int) -> Floats:
        t = _time(0.09)
        return np.sin(2 * np.pi * pitch * t) * np.exp(-55 * t) + 0.6 * _noise(rng, 0.09, 300, 1500) * np.exp(-130 * t)

    return _repeated(rng, once, int(rng.integers(3, 5)), rng.uniform(0.17, 0.24))


def _engine(rng: Generator) -> Floats:
    seconds = rng.uniform(1.4, 2.0)
    t = _time(seconds)
    base = rng.uniform(55, 85) * (1 + rng.uniform(-0.15, 0.25) * t / seconds)
    return _tone(base, 24, 0.6) * (1 + 0.4 * np.sin(2 * np.pi * 13 * t)) + 1.5 * _noise(rng, seconds, 80, 500)


def _whistle(rng: Generator) -> Floats:
    t = _time(rng.uniform(0.8, 1.2))
    rise = rng.uniform(1500, 1900) * (1 + rng.uniform(0.2, 0.4) * np.sin(np.pi * t / t[-1]))
    loudness: Floats = np.maximum(0, np.sin(np.pi * t / t[-1])) ** 0.3
    return _tone(rise + 25 * np.sin(2 * np.pi * 6 * t), 2, 3) * loudness


def _footsteps(rng: Generator) -> Floats:
    def step(n: int) -> Floats:
        t = _time(0.14)
        scrape: Floats = 0.1 * _noise(rng, 0.14, 2000, 6000) * np.exp(-60 * np.abs(t - 0.05))
        return _noise(rng, 0.14, 60, 350 if n % 2 else 500) * np.exp(-30 * t) + scrape

    return _repeated(rng, step, int(rng.integers(4, 6)), rng.uniform(0.38, 0.46))


EVENT_SOUNDS: Mapping[str, Callable[[Generator], Floats]] = {
    "dog": _dog,
    "cat": _cat,
    "bird": _bird,
    "rain": _rain,
    "thunder": _thunder,
    "siren": _siren,
    "bell": _bell,
    "clock": _clock,
    "knock": _knock,
    "engine": _engine,
    "whistle": _whistle,
    "footsteps": _footsteps,
}
