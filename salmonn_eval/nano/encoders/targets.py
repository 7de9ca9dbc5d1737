"""What a clip's encoders should know of it, as numbers."""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from salmonn_eval.nano.scene import EVENTS, INSTRUMENTS, Scene
from salmonn_eval.nano.sound.voices import all_voices, voices
from salmonn_eval.nano.world.grammar import spoken_words
from salmonn_eval.nano.world.questions import background_questions, spoken_questions
from salmonn_eval.nano.world.scenes import EMOTIONS

CHARACTERS = " abcdefghijklmnopqrstuvwxyz"
NOT = -100
"""A class that a clip does not tell."""


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Every word that is spoken in the world, sorted."""
    asked = [question.text for question in spoken_questions()] + [pair[0].text for pair in background_questions()]
    return tuple(sorted({*spoken_words(), *(word for text in asked for word in text.split())}))


@lru_cache(maxsize=1)
def _word_ids() -> dict[str, int]:
    return {word: number + 1 for number, word in enumerate(words())}


@lru_cache(maxsize=1)
def _voice_ids() -> dict[str, int]:
    return {voice.id: number for number, voice in enumerate(voices("train"))}


class Target(Struct, frozen=True):
    """Ids for CTC count from 1, 0 being its blank. `first` is all that is said, of a mixture the earlier voice's words.

    `parts` are the voices in order, each over its part of the clip.
    """

    characters: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    parts: tuple[int, ...]
    sex: int
    emotion: int
    events: tuple[int, ...]
    tempo: int
    mode: int
    instrument: int


def target(scene: Scene) -> Target:
    """Of one scene. Voices that were not trained are `NOT`."""
    mixed = scene.arrangement == "mixed"
    texts = [utterance.text for utterance in scene.utterances]
    first = " ".join(texts[:1] if mixed else texts)
    spoken = [all_voices()[utterance.voice] for utterance in scene.utterances]
    alone = len(spoken) == 1
    return Target(
        characters=tuple(CHARACTERS.index(letter) + 1 for letter in first),
        first=word_ids(first),
        second=word_ids(texts[1]) if mixed else (),
        parts=() if mixed else tuple(_voice_ids().get(voice.id, NOT) for voice in spoken),
        sex=int(spoken[0].sex == "female") if alone else NOT,
        emotion=EMOTIONS.index(scene.utterances[0].emotion) if alone else NOT,
        events=tuple(EVENTS.index(event) + 1 for event in scene.events),
        tempo=("slow", "fast").index(scene.music.tempo) if scene.music else NOT,
        mode=("major", "minor").index(scene.music.mode) if scene.music else NOT,
        instrument=INSTRUMENTS.index(scene.music.instrument) if scene.music else NOT,
    )


def word_ids(text: str) -> tuple[int, ...]:
    """Ids of a text's words."""
    return tuple(_word_ids()[word] for word in text.split())


def said(ids: Sequence[int]) -> str:
    """The words of ids."""
    return " ".join(words()[number - 1] for number in ids)
