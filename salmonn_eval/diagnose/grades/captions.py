"""Item scores of captions (sentence ROUGE-L) and of stories (grounding)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

from salmonn_eval.diagnose.grades.base import Grades, Letters, crossed
from salmonn_eval.records import Sample
from salmonn_eval.scorers.captions.rouge import BETA
from salmonn_eval.scorers.grounding import Grounding
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.stats.members import Array


class RougeGrades(Grades):
    """Sentence ROUGE-L over the words of `plain`: nearly the metric's tokens, without starting its Java tokenizer."""

    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n]."""
        return np.array([self.table([text], [sample])[0, 0] for text, sample in zip(texts, samples, strict=True)])

    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples]: the best precision and the best recall over a sample's references combined."""
        letters = Letters()
        said = [letters.spell(plain(text).split()) for text in texts]
        golds = [[letters.spell(words) for one in s.references if (words := plain(one).split())] for s in samples]
        common = crossed(LCSseq.similarity, said, [one for references in golds for one in references])
        lengths = np.array([max(1, len(one)) for one in said], dtype=np.float64)
        found = np.full((len(texts), len(samples)), np.nan)
        start = 0
        for column, references in enumerate(golds):
            mine = common[:, start : start + len(references)]
            start += len(references)
            if references:
                precision = mine.max(axis=1) / lengths
                recall = (mine / np.array([len(one) for one in references])).max(axis=1)
                weighed = recall + BETA**2 * precision
                product = (1 + BETA**2) * precision * recall
                found[:, column] = np.divide(product, weighed, out=np.zeros_like(weighed), where=weighed > 0)
        return found


class GroundingGrades(Grades):
    """1 / number of nearest captions of ten where the own ones are among them; the scorer knows the whole test set."""

    def __init__(self, scorer: Grounding, corpus: Sequence[Sample]) -> None:
        scorer.prepare(corpus)
        self._scorer = scorer
        self._ids = [sample.id for sample in corpus if scorer.candidates(sample.id)]
        self._row = {id_: row for row, id_ in enumerate(self._ids)}
        self._words, self._captions = scorer.vectors(self._ids)

    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n]."""
        near = self._near(texts)
        found = [self._credit(near[row : row + 1], sample)[0] for row, sample in enumerate(samples)]
        return np.array(found, dtype=np.float64)

    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples]."""
        near = self._near(texts)
        return np.stack([self._credit(near, sample) for sample in samples], axis=1)

    def perfect(self, samples: Sequence[Sample]) -> Array:
        """Scores [n] of the clip's own captions: below 1 where another clip has the same."""
        return self.own([" ".join(sample.references) for sample in samples], samples)

    def _near(self, texts: Sequence[str]) -> Array:
        said = np.zeros((len(texts), len(self._words)))
        for row, text in enumerate(texts):
            for word, count in Counter(plain(text).split()).items():
                if word in self._words:
                    said[row, self._words[word]] = count * self._scorer.weight(word)
        near: Array = said @ self._captions.T
        return near

    def _credit(self, near: Array, sample: Sample) -> Array:
        candidates = self._scorer.candidates(sample.id)
        if not candidates:
            return np.full(len(near), np.nan)
        scores = near[:, [self._row[id_] for id_ in candidates]]
        nearest = np.isclose(scores, scores.max(axis=1, keepdims=True), rtol=1e-9, atol=0)
        credit: Array = np.where(nearest[:, 0], 1 / nearest.sum(axis=1), 0.0)
        return credit
