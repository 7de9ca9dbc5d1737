"""The closed world's words, read from `lexicon.yaml`, as records."""

from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from salmonn_eval import yamlfile


class Person(Struct, frozen=True, array_like=True):
    """Who acts or receives."""

    en: str
    de: str
    de_dative: str
    zh: str
    ja: str


class Adjective(Struct, frozen=True, array_like=True):
    """`de` is the bare stem; `food`: food can be so."""

    en: str
    de: str
    zh: str
    ja: str
    food: bool


class Noun(Struct, frozen=True, array_like=True):
    """A thing that can be counted; `measure` and `counter` are its Chinese and Japanese counting words."""

    en: str
    en_several: str
    gender: str
    de: str
    de_several: str
    measure: str
    zh: str
    counter: str
    ja: str


class Word(Struct, frozen=True, array_like=True):
    """A word or phrase that has one form a language."""

    en: str
    de: str
    zh: str
    ja: str


class Place(Struct, frozen=True, array_like=True):
    """Where: `de` and `zh` say in it, `de_to` and `zh_to` to it."""

    preposition: str
    en: str
    de: str
    de_to: str
    zh: str
    zh_to: str
    ja: str


class Verb(Struct, frozen=True, rename={"preposition": "with"}):
    """Forms as the comment in `lexicon.yaml` lists them."""

    en: tuple[str, str, str]
    tail: str
    de: tuple[str, str, str, str]
    zh: tuple[str, str]
    ja: tuple[str, str, str, str, str]
    preposition: str = ""
    food: bool = False


class Lexicon(Struct, frozen=True):
    """All of it; `times` by the frame's tense, `verbs` by what they take."""

    people: tuple[Person, ...]
    adjectives: tuple[Adjective, ...]
    things: tuple[Noun, ...]
    foods: tuple[Noun, ...]
    numbers: tuple[Word, ...]
    places: tuple[Place, ...]
    times: dict[str, tuple[Word, ...]]
    verbs: dict[str, tuple[Verb, ...]]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon that ships beside this module."""
    return yamlfile.load(Path(__file__).with_name("lexicon.yaml"), Lexicon)
