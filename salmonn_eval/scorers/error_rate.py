"""The common part of WER, CER and PER: corpus-level rates from edit counts."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, Stats
from salmonn_eval.scorers.edit import Edits, edits
from salmonn_eval.scorers.ratio import RatioScorer


class ErrorRate(RatioScorer):
    """100 · Σ edits / Σ reference units over all answers, never a mean of rates.

    Of several references the nearest counts. An empty reference adds its insertions to the numerator only; a rate
    without reference units is undefined. A wholly wrong answer is an empty one: every reference unit deleted.
    """

    unit = "percent"
    better = "lower"
    scale = 100.0

    @abstractmethod
    def units(self, text: str) -> Sequence[str]:
        """What is counted: words, characters or phones of a normalized text."""

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (edits, reference units) of one answer; unscored where the sample has no reference."""
        sample, _, prediction = answer
        if not sample.references:
            return Measure("unscored", why="the sample has no reference")
        text = prediction.text or ""
        hypothesis = self.units(text)
        found = self.edits_of(hypothesis, sample)
        return self.scored(found.edits, found.units, why=self.remark(text, hypothesis, sample))

    def remark(self, text: str, hypothesis: Sequence[str], sample: Sample) -> str | None:
        """What a reader of the number should know of this answer: that normalizing left nothing of a text."""
        emptied = [
            what
            for what, before, after in (
                ("answer", text, hypothesis),
                *(("reference", reference, self.units(reference)) for reference in sample.references),
            )
            if before.strip() and not after
        ]
        return f"nothing of the {' and the '.join(emptied)} is left after normalizing" if emptied else None

    def worst(self, sample: Sample) -> Stats:
        """An empty answer: (n, n); (0, 0) without a reference, where `measure` scores nothing."""
        units = self._units_of(sample)
        return np.array([units, units], dtype=np.float64)

    def best(self, sample: Sample) -> Stats:
        """No edits: (0, n); (0, 0) without a reference, where `measure` scores nothing."""
        return np.array([0, self._units_of(sample)], dtype=np.float64)

    def _units_of(self, sample: Sample) -> int:
        return self.edits_of((), sample).units if sample.references else 0

    def edits_of(self, hypothesis: Sequence[str], sample: Sample) -> Edits:
        """Fewest edits between an answer's units and the sample's references, and how many units those have."""
        return edits(hypothesis, self.targets(sample))

    def targets(self, sample: Sample) -> list[Sequence[str]]:
        """The units of everything that an answer may be held against: the nearest counts."""
        return [self.units(reference) for reference in sample.references]
