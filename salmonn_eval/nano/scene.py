"""What a clip of the world holds, in symbols: the world writes scenes and their references, sound renders them."""

from typing import Literal

from msgspec import Struct

Split = Literal["train", "dev", "test"]
Sex = Literal["male", "female"]
Engine = Literal["espeak-ng", "flite"]
Emotion = Literal["neutral", "happy", "sad", "angry"]
Tempo = Literal["slow", "fast"]
Mode = Literal["major", "minor"]
Arrangement = Literal["alone", "joined", "mixed"]

EVENTS = (
    "dog", "cat", "bird", "rain", "thunder", "siren", "bell", "clock", "knock", "engine", "whistle", "footsteps",
)  # fmt: skip
"""The sounds of the world."""
INSTRUMENTS = ("piano", "flute", "organ", "guitar")

SAMPLE_RATE = 16_000
LONGEST_S = 10.0
JOIN_GAP_S = 0.1
"""Between joined utterances: SALMONN's 1,600 zero samples."""


class Voice(Struct, frozen=True):
    """Who speaks: engine x variant x pitch x formant shift (resampling by `formant`, .85-1.2). A split owns a voice."""

    id: str
    engine: Engine
    variant: str
    sex: Sex
    pitch: int
    formant: float
    split: Split


class Utterance(Struct, frozen=True, omit_defaults=True):
    """One sentence spoken once. `text` is lower case without punctuation; the emotion lies in the prosody alone."""

    text: str
    voice: str
    emotion: Emotion = "neutral"


class Music(Struct, frozen=True):
    """A few bars."""

    tempo: Tempo
    mode: Mode
    instrument: str


class Scene(Struct, frozen=True, omit_defaults=True):
    """One clip of at most `LONGEST_S`. Its sound is a function of these fields alone.

    `utterances` are spoken alone, joined (one after the other) or mixed (at once); `events` are sounds one after the
    other, under the speech where there is any. `seed` draws what the fields leave open (levels, phases, onsets).
    """

    seed: int
    utterances: tuple[Utterance, ...] = ()
    arrangement: Arrangement = "alone"
    events: tuple[str, ...] = ()
    music: Music | None = None
