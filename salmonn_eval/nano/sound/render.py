"""From a scene to sound."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from salmonn_eval.errors import UsageError
from salmonn_eval.nano.scene import JOIN_GAP_S, LONGEST_S, SAMPLE_RATE, Scene
from salmonn_eval.nano.sound.events import sound
from salmonn_eval.nano.sound.music import play
from salmonn_eval.nano.sound.speech import LEVEL_DBFS, levelled, speak
from salmonn_eval.nano.sound.voices import all_voices

Samples = NDArray[np.float32]
_BETWEEN_EVENTS_S = 0.25
_SECOND_STARTS_S = (0.5, 1.1)
_UNDER_SPEECH_DB = (-10.0, -5.0)


def render(scene: Scene) -> Samples:
    """The scene [T] at 16 kHz; the same fields give the same samples.

    Raises UsageError for a scene that is longer than `LONGEST_S`, PrerequisiteError where a speech engine is missing.
    """
    rng = np.random.default_rng(scene.seed)
    if scene.music is not None:
        heard = levelled(play(scene.music, rng), LEVEL_DBFS + rng.uniform(-4, 4))
    elif scene.utterances:
        heard = _under(_speech(scene, rng), _events(scene, rng), rng) if scene.events else _speech(scene, rng)
    else:
        heard = levelled(_events(scene, rng), LEVEL_DBFS + rng.uniform(-4, 4))
    silence = [np.zeros(int(rng.uniform(0.05, 0.25) * SAMPLE_RATE), np.float32) for _ in range(2)]
    whole = np.concatenate([silence[0], heard, silence[1]])
    whole = whole + (10 ** (rng.uniform(-75, -60) / 20) * rng.standard_normal(len(whole))).astype(np.float32)
    if len(whole) > LONGEST_S * SAMPLE_RATE:
        raise UsageError(f"a scene of {len(whole) / SAMPLE_RATE:.1f} s; expected at most {LONGEST_S:g} s: {scene}")
    return np.asarray(np.clip(whole, -1, 1), np.float32)


def _speech(scene: Scene, rng: Generator) -> Samples:
    spoken = [speak(utterance, all_voices()[utterance.voice]) for utterance in scene.utterances]
    if scene.arrangement == "mixed":
        spoken[1] = spoken[1] * np.float32(10 ** (rng.uniform(-3, 1) / 20))
        return _mixed(spoken, int(rng.uniform(*_SECOND_STARTS_S) * SAMPLE_RATE))
    gap = np.zeros(int(JOIN_GAP_S * SAMPLE_RATE), np.float32)
    return np.concatenate([part for one in spoken for part in (one, gap)][:-1])


def _mixed(spoken: Sequence[Samples], later: int) -> Samples:
    """The second utterance begins `later` samples after the first."""
    first, second = spoken
    total = np.zeros(max(len(first), later + len(second)), np.float32)
    total[: len(first)] += first
    total[later : later + len(second)] += second
    return total


def _events(scene: Scene, rng: Generator) -> Samples:
    gap = np.zeros(int(_BETWEEN_EVENTS_S * SAMPLE_RATE), np.float32)
    return np.concatenate([part for event in scene.events for part in (sound(event, rng), gap)][:-1])


def _under(speech: Samples, events: Samples, rng: Generator) -> Samples:
    """Events below the speech, beginning with it and continuing to its end where they are shorter."""
    background = levelled(events, LEVEL_DBFS + rng.uniform(*_UNDER_SPEECH_DB))
    background = np.tile(background, -(-len(speech) // len(background)))[: len(speech)]
    return (speech + background).astype(np.float32)
