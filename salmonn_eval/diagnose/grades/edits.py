"""Item scores of transcripts and phones: max(0, 1 - edits / reference units)."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from rapidfuzz.distance import Levenshtein

from salmonn_eval.diagnose.grades.base import Grades, Letters, crossed
from salmonn_eval.records import Sample
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.overlap import MOST_SPEAKERS, OrderFreeWordErrorRate
from salmonn_eval.stats.members import Array


class EditGrades(Grades):
    """The units are the scorer's own (normalized words, folded phones); of several references the nearest counts.

    Where several speakers are written down at once every order of them is a reference.
    """

    def __init__(self, scorer: ErrorRate) -> None:
        self._scorer = scorer

    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n]; NaN without a reference unit."""
        return np.array([self._own(text, sample) for text, sample in zip(texts, samples, strict=True)])

    def _own(self, text: str, sample: Sample) -> float:
        if not self._references(sample):
            return np.nan
        found = self._scorer.edits_of(self._scorer.units(text), sample)
        return max(0.0, 1 - found.edits / found.units) if found.units else np.nan

    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples] from one table of edit distances."""
        letters = Letters()
        said = [letters.spell(self._scorer.units(text)) for text in texts]
        found = np.full((len(texts), len(samples)), np.nan)
        spelled = [[letters.spell(units) for units in self._references(sample)] for sample in samples]
        edits = crossed(Levenshtein.distance, said, [one for references in spelled for one in references])
        start = 0
        for column, references in enumerate(spelled):
            sizes = np.array([len(one) for one in references], dtype=np.float64)
            mine = edits[:, start : start + len(references)]
            start += len(references)
            if not len(references) or not sizes.any():
                continue
            nearest = np.lexsort((-np.broadcast_to(sizes, mine.shape), mine), axis=1)[:, 0]
            units = sizes[nearest]
            rate = np.divide(
                mine[np.arange(len(mine)), nearest], units, out=np.full(len(mine), np.nan), where=units > 0
            )
            found[:, column] = np.maximum(0.0, 1 - rate)
        return found

    def _references(self, sample: Sample) -> list[Sequence[str]]:
        references = [self._scorer.units(reference) for reference in sample.references]
        if not isinstance(self._scorer, OrderFreeWordErrorRate):
            return references
        if len(references) > MOST_SPEAKERS:
            return []
        return [[word for words in order for word in words] for order in permutations(references)] if references else []
