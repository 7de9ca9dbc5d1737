"""Equal error rate of a yes / no decision."""

import math
from collections.abc import Mapping

import numpy as np

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.accuracy import gold_fault, required_labels
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.one_by_one import OneByOne

NO_LOGPROBS = "the answer carries no log-probabilities of yes and no"


class EqualErrorRate(OneByOne):
    """EER in percent: where as many true pairs are refused as false ones are accepted, over all thresholds.

    An answer's score is its log-odds of yes against no; statistics are (log-odds, 1 if yes is correct). The two error
    rates are step functions of the threshold; where they cross between two steps the rate is interpolated, and trials
    of equal score are one step.
    """

    metric = "eer"
    unit = "percent"
    better = "lower"
    additive = False

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._labels = required_labels(self.metric, context)
        if set(self._labels) != {"yes", "no"}:
            raise UsageError(
                f"metric 'eer' needs the labels yes and no, but task {context.task!r} has {', '.join(self._labels)}; "
                "leave the metric out"
            )
        self.signature = Signature(self.metric, (("score", "log-odds"), ("at", "interpolated")))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (log-odds, target); unscored where the model gave no log-probabilities."""
        sample, _, prediction = answer
        if fault := gold_fault(sample, self._labels):
            return Measure("unscored", why=fault)
        given = prediction.label_logprobs or {}
        if not {"yes", "no"} <= given.keys():
            return Measure("unscored", why=NO_LOGPROBS)
        odds = given["yes"] - given["no"]
        if not math.isfinite(odds):
            return Measure("unscored", why=f"the log-odds of yes and no are {odds}")
        return Measure("scored", (odds, float("yes" in sample.labels)), odds, f"{odds:.3f}")

    def worst(self, sample: Sample) -> Stats:
        """Certain of the wrong answer."""
        return self._certain(sample, -1.0)

    def best(self, sample: Sample) -> Stats:
        """Certain of the right answer."""
        return self._certain(sample, 1.0)

    def _certain(self, sample: Sample, sign: float) -> Stats:
        target = "yes" in sample.labels
        return np.array([sign * (1e9 if target else -1e9), float(target)])

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """EER [...]; NaN where one of the two kinds of pair has no weight."""
        rows = weights.reshape(-1, weights.shape[-1])
        return 100 * _eer(stats, rows).reshape(weights.shape[:-1])


def _eer(stats: Stats, weights: Stats) -> Stats:
    """EER [rows] in fractions from weights [rows, n]: one sort of the scores serves all rows."""
    order = np.argsort(stats[:, 0], kind="stable")
    scores, targets = stats[order, 0], stats[order, 1]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    ordered = weights[:, order]
    refused = np.cumsum(ordered * targets, axis=1)[:, last]
    passed = np.cumsum(ordered * (1 - targets), axis=1)[:, last]
    start = np.zeros((len(weights), 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        miss = np.hstack([start, refused / refused[:, -1:]])
        alarm = np.hstack([start + 1, 1 - passed / passed[:, -1:]])
        gap = alarm - miss
        after = np.argmax(gap <= 0, axis=1)
        rows = np.arange(len(weights))
        before = np.maximum(after - 1, 0)
        share = gap[rows, before] / (gap[rows, before] - gap[rows, after])
        share = np.where(np.isfinite(share), share, 0.0)
        found: Stats = miss[rows, before] + share * (miss[rows, after] - miss[rows, before])
    return np.where((refused[:, -1] > 0) & (passed[:, -1] > 0), found, np.nan)
