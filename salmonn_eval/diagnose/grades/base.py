"""The contract of item scores: aligned pairs, and all pairs of texts and samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz.process import cdist

from salmonn_eval.records import Sample
from salmonn_eval.stats.members import Array


class Grades(ABC):
    """How good a text is as an answer to a sample, between 0 and 1, whether or not it follows the instruction.

    NaN stands where a sample cannot be graded (it has no reference, or none that can be compared).
    """

    @abstractmethod
    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n] of texts as answers to the samples at the same place."""

    @abstractmethod
    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples] of texts that all differ."""

    def perfect(self, samples: Sequence[Sample]) -> Array:
        """Scores [n] of a perfect answer to each sample."""
        return np.ones(len(samples))

    def pairs(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples] of every text as an answer to every sample; equal texts are graded once."""
        rows: dict[str, int] = {}
        index = [rows.setdefault(text, len(rows)) for text in texts]
        if not index or not samples:
            return np.empty((len(texts), len(samples)))
        return self.table(list(rows), samples)[index]


class Letters:
    """Sequences of units (words, phones) as strings of one letter a unit, which are compared a hundred times faster."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def spell(self, units: Sequence[str]) -> str:
        """The units as a string; equal units have equal letters."""
        return "".join(self._letters.setdefault(unit, chr(0x10000 + len(self._letters))) for unit in units)


def crossed(scorer: Callable[..., float], left: Sequence[str], right: Sequence[str]) -> Array:
    """A rapidfuzz distance or similarity [left, right] of every pair."""
    found: Array = cdist(left, right, scorer=scorer, dtype=np.int32).astype(np.float64)
    return found
