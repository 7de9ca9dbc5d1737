"""Finding a short value in a free answer, however its numbers are written."""

import re
from collections.abc import Callable, Sequence

from salmonn_eval.scorers.language import UNSPACED, base_language
from salmonn_eval.scorers.normalize import NORMALIZERS, normalizer

_HALF_DAY = re.compile(r"\b([ap])\.? ?m\b\.?", re.I)
_ARTICLES = ("a", "an", "the")
_GAP = "\0"
"""Stands where a phrase was taken out, so that what was left and right of it does not become one phrase."""


class PhraseReader:
    """Texts of one language as comparable units, and phrases as runs of these units.

    English goes through `whisper-en` (seven, 7; a.m., am), other languages through `plain`; units are words, or
    characters in languages without spaces.
    """

    def __init__(self, language: str | None) -> None:
        base = base_language(language)
        self._english = base == "en"
        self._characters = base in UNSPACED
        name = "whisper-en" if self._english else "plain"
        self._normalize: Callable[[str], str] = normalizer(name, base)
        self.signature = (("norm", str(NORMALIZERS[name])), ("unit", "char" if self._characters else "word"))

    def units(self, text: str) -> list[str]:
        """The units of an answer."""
        text = self._normalize(_HALF_DAY.sub(r"\1m", text) if self._english else text)
        return list("".join(text.split())) if self._characters else text.split()

    def phrase(self, text: str) -> tuple[str, ...]:
        """The units of a value that is looked for, without an English article in front."""
        units = self.units(text)
        return tuple(units[1:] if self._english and len(units) > 1 and units[0] in _ARTICLES else units)


def holds(units: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase stands among the units; an empty phrase stands nowhere."""
    return _find(units, phrase, 0) is not None


def without(units: Sequence[str], phrase: Sequence[str]) -> list[str]:
    """The units with every occurrence of the phrase taken out and a gap left in its place."""
    left: list[str] = []
    start = 0
    while (place := _find(units, phrase, start)) is not None:
        left += [*units[start:place], _GAP]
        start = place + len(phrase)
    return [*left, *units[start:]]


def _find(units: Sequence[str], phrase: Sequence[str], start: int) -> int | None:
    size = len(phrase)
    places = range(start, len(units) - size + 1) if size else ()
    return next((place for place in places if tuple(units[place : place + size]) == tuple(phrase)), None)
