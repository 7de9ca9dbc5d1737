"""Sentence chrF of many pairs at once."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from salmonn_eval.diagnose.grades.base import Grades
from salmonn_eval.records import Sample
from salmonn_eval.stats.members import Array

ORDER = 6
BETA = 2


class ChrF:
    """chrF2 (Popović 2015) in [0, 100] between any of the given texts, as sacrebleu's sentence chrF counts it.

    Characters without white space, n-grams of 1 to 6, precision and recall averaged over the orders that both texts
    have. A k-th occurrence of an n-gram is a feature of its own, so that a product of 0/1 vectors is the number of
    common n-grams.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from scipy.sparse import csr_array

        bare = ["".join(text.split()) for text in texts]
        self._grams = []
        self._sizes = np.array([[max(0, len(text) - n) for n in range(ORDER)] for text in bare], dtype=np.float64)
        for n in range(1, ORDER + 1):
            places: dict[tuple[str, int], int] = {}
            rows = [self._features(text, n, places) for text in bare]
            starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
            columns = np.array([column for row in rows for column in row], dtype=np.int64)
            shape = (len(bare), max(1, len(places)))
            self._grams.append(csr_array((np.ones(len(columns)), columns, starts), shape=shape))

    @staticmethod
    def _features(text: str, n: int, places: dict[tuple[str, int], int]) -> list[int]:
        counts = Counter(text[start : start + n] for start in range(len(text) - n + 1))
        return [places.setdefault((gram, k), len(places)) for gram, count in counts.items() for k in range(count)]

    def aligned(self, said: NDArray[np.int64], gold: NDArray[np.int64]) -> Array:
        """Scores [n] of pairs of text numbers."""
        common = [np.asarray(grams[said].multiply(grams[gold]).sum(axis=1)).ravel() for grams in self._grams]
        return _score(np.stack(common, axis=-1), self._sizes[said], self._sizes[gold])

    def crossed(self, said: NDArray[np.int64], gold: NDArray[np.int64]) -> Array:
        """Scores [said, gold] of every pair of text numbers."""
        common = [(grams[said] @ grams[gold].T).toarray() for grams in self._grams]
        return _score(np.stack(common, axis=-1), self._sizes[said][:, None], self._sizes[gold][None])


def _score(common: Array, said: Array, gold: Array) -> Array:
    """Chr-F [...] from common n-grams, and n-grams of both texts, by order [..., ORDER]."""
    orders = (said > 0) & (gold > 0)
    effective = np.maximum(orders.sum(axis=-1), 1)
    precision = np.divide(common, said, out=np.zeros_like(common), where=orders).sum(axis=-1) / effective
    recall = np.divide(common, gold, out=np.zeros_like(common), where=orders).sum(axis=-1) / effective
    weighed = BETA**2 * precision + recall
    product = 100 * (1 + BETA**2) * precision * recall
    found: Array = np.divide(product, weighed, out=np.zeros_like(weighed), where=weighed > 0)
    return found


class ChrfGrades(Grades):
    """Sentence chrF / 100; of several references the best counts."""

    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n]."""
        golds = [(row, reference) for row, sample in enumerate(samples) for reference in sample.references]
        best = np.full(len(texts), np.nan)
        if golds:
            rows = np.array([row for row, _ in golds])
            chrf = ChrF([*texts, *(reference for _, reference in golds)])
            np.fmax.at(best, rows, chrf.aligned(rows, len(texts) + np.arange(len(golds))) / 100)
        return best

    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples]."""
        golds = [(column, reference) for column, sample in enumerate(samples) for reference in sample.references]
        best = np.full((len(samples), len(texts)), np.nan)
        if golds:
            chrf = ChrF([*texts, *(reference for _, reference in golds)])
            found = chrf.crossed(np.arange(len(texts)), len(texts) + np.arange(len(golds))) / 100
            np.fmax.at(best, np.array([column for column, _ in golds]), found.T)
        return best.T
