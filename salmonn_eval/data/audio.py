"""From a clip to what a model hears: parts read, joined, conditioned, and fitted to the model's audio policy."""

import math
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from salmonn_eval.data.conditions import conditioned
from salmonn_eval.data.encoded import Stretch, opened, place
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioPolicy, Clip
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

Sound = NDArray[np.float32]


def decode(clip: Clip, policy: AudioPolicy) -> Waveform:
    """Decode one clip to float32 mono [T] at 16 kHz.

    Order: cut each part to its `start_s`..`end_s`, channel policy, resampling (soxr HQ), join, length policy,
    condition, zeros up to `min_s`. With `long_audio: truncate` the head of `max_s` seconds is kept, of a concat the
    head of every part (`fair_shares`), and only that much is read. `cut_s` is what the length policy took away,
    `silent` means digital silence before the condition.

    Raises AudioError, one sentence with the path, for whatever cannot be heard.
    """
    _check(clip)
    limit = math.inf if policy.max_s is None or policy.long_audio == "keep" else policy.max_s
    with ExitStack() as stack:
        parts = [stack.enter_context(opened(ref)) for ref in clip.parts]
        whole = _whole_seconds(clip, [part.seconds for part in parts])
        if whole > limit and policy.long_audio == "error":
            raise AudioError(f"{place(clip.parts[0])}: clip of {whole:.3f} s; the model takes at most {limit:g} s")
        shares = _shares(clip, parts, limit)
        joined = _join(clip, [part.read(share, policy.channels) for part, share in zip(parts, shares, strict=True)])
    heard = joined if math.isinf(limit) else joined[: round(limit * SAMPLE_RATE)]
    if not len(heard):
        raise AudioError(f"{place(clip.parts[0])}: no sample is left at 16 kHz; expected at least one")
    silent = not heard.any()
    heard = conditioned(heard, clip)
    missing = round(policy.min_s * SAMPLE_RATE) - len(heard)
    if missing > 0:
        heard = np.concatenate([heard, np.zeros(missing, np.float32)])
    return Waveform(heard, cut_s=max(0.0, whole - limit), silent=silent)


def fair_shares(seconds: Sequence[float], budget_s: float) -> list[float]:
    """Seconds that each part keeps of a budget: short parts stay whole, the others are cut to one common length."""
    shares = list(seconds)
    left = budget_s
    for taken, index in enumerate(sorted(range(len(seconds)), key=seconds.__getitem__)):
        shares[index] = min(seconds[index], left / (len(seconds) - taken))
        left -= shares[index]
    return shares


def _check(clip: Clip) -> None:
    if not clip.parts:
        raise AudioError("clip without parts; expected at least one")
    first = place(clip.parts[0])
    if clip.join == "single" and len(clip.parts) > 1:
        raise AudioError(f"{first}: a single clip of {len(clip.parts)} parts; expected one, or join concat or mix")
    if clip.gains and len(clip.gains) != len(clip.parts):
        raise AudioError(f"{first}: {len(clip.gains)} gains for {len(clip.parts)} parts; expected one a part")


def _whole_seconds(clip: Clip, seconds: Sequence[float]) -> float:
    """Length of the joined clip before any limit."""
    if clip.join == "mix":
        return min(seconds) if clip.mix_length == "min" else max(seconds)
    return sum(seconds) + clip.gap_s * (len(seconds) - 1)


def _shares(clip: Clip, parts: Sequence[Stretch], limit: float) -> list[float]:
    """How many seconds of each part are to be read."""
    seconds = [part.seconds for part in parts]
    if math.isinf(limit) or clip.join == "mix":
        return [limit] * len(parts)
    budget = limit - clip.gap_s * (len(parts) - 1)
    if budget <= 0:
        raise AudioError(f"{parts[0].place}: the gaps of this clip alone fill the model's {limit:g} s; expected less")
    return fair_shares(seconds, budget) if sum(seconds) > budget else [limit] * len(parts)


def _join(clip: Clip, sounds: Sequence[Sound]) -> Sound:
    if clip.join == "concat":
        gap = np.zeros(round(clip.gap_s * SAMPLE_RATE), np.float32)
        return np.concatenate([piece for sound in sounds for piece in (gap, sound)][1:])
    if clip.join == "single":
        return sounds[0]
    lengths = [len(sound) for sound in sounds]
    mixed = np.zeros(min(lengths) if clip.mix_length == "min" else max(lengths), np.float32)
    for sound, gain in zip(sounds, clip.gains or (1.0,) * len(sounds), strict=True):
        heard = sound[: len(mixed)]
        mixed[: len(heard)] += np.float32(gain) * heard
    return mixed
