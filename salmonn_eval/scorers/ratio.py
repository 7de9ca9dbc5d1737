"""Metrics that are a ratio of two sums: error rates, accuracies, following rates."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from salmonn_eval.records import Generation, Measure, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Stats
from salmonn_eval.scorers.one_by_one import OneByOne


def ratio(stats: Stats, weights: Stats) -> Stats:
    """Sum of column 0 over sum of column 1 for weights [..., n]; NaN where the latter is 0."""
    sums = weights @ stats
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)


def each_once(values: Stats | Sequence[float]) -> Stats:
    """Statistics [n, 2] of item values, each counted once, so that their ratio is the mean."""
    return np.stack([np.asarray(values, dtype=np.float64), np.ones(len(values))], axis=1)


_NOBODY = Request("", "", "", "", "", (), Generation(0), Variant())
"""Stands where a text is graded without having been asked for."""


class RatioScorer(OneByOne):
    """A metric with statistics (numerator, denominator) an answer, valued `scale` · Σ numerator / Σ denominator."""

    scale: ClassVar[float] = 1.0

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """Value [...] from statistics [n, 2]; NaN where nothing is in the denominator."""
        return self.scale * ratio(stats, weights)

    def grade(self, sample: Sample, text: str) -> Measure:
        """The measure of a text as an answer to this sample, whether or not it follows the instruction."""
        return self.measure_one((sample, _NOBODY, Prediction("", text, "unknown")))

    def scored(
        self, numerator: float, denominator: float, answer: str | None = None, why: str | None = None
    ) -> Measure:
        """A Measure of these statistics; its value is undefined (None) with nothing in the denominator."""
        value = self.scale * numerator / denominator if denominator else None
        return Measure("scored", (float(numerator), float(denominator)), value, answer, why)


class HitScorer(RatioScorer):
    """A share of answers: statistics (hit, 1)."""

    unit = "fraction"
    better = "higher"
    proportion = True

    def worst(self, sample: Sample) -> Stats:
        """A miss."""
        return np.array([0.0, 1.0])

    def best(self, sample: Sample) -> Stats:
        """A hit."""
        return np.array([1.0, 1.0])
