"""Accuracies over closed labels."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import numpy as np

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.labels import Reading, read_label
from salmonn_eval.scorers.ratio import HitScorer, RatioScorer

_PARSER = ("labels", "closed-negation.1")


def required_labels(metric: str, context: ScorerContext) -> Mapping[str, tuple[str, ...]]:
    """The task's closed labels; UsageError where it has none."""
    if not context.labels:
        raise UsageError(f"metric {metric!r} needs closed labels, but task {context.task!r} has none; add `labels:`")
    return context.labels


def gold_fault(sample: Sample, labels: Mapping[str, tuple[str, ...]]) -> str | None:
    """Why a sample cannot be scored: no correct label, or one that the task does not know."""
    if not sample.labels:
        return "the sample has no correct label"
    unknown = [label for label in sample.labels if label not in labels]
    return f"the correct label {unknown[0]!r} is none of {', '.join(labels)}" if unknown else None


class Accuracy(HitScorer):
    """Share of answers that give exactly one label, a correct one."""

    metric = "accuracy"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._labels = required_labels(self.metric, context)
        self.signature = Signature(self.metric, (_PARSER, ("classes", str(len(self._labels)))))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hit, 1); a wrong answer's `why` is `multiple`, `evasive`, `off-task` or `wrong`."""
        sample, _, prediction = answer
        if fault := gold_fault(sample, self._labels):
            return Measure("unscored", why=fault)
        read = read_label(prediction.text or "", self._labels)
        hit = read.label in sample.labels
        return self.scored(hit, 1, read.label, None if hit else read.fault or "wrong")


class MeanRecall(Scorer):
    """Mean over classes of the share of their samples answered correctly: statistics are hits and counts a class.

    Classes without a sample are left out. The same number is called unweighted accuracy where emotions are recognised
    and balanced accuracy where speakers are verified.
    """

    unit = "fraction"
    better = "higher"
    metric: ClassVar[str]

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._labels = required_labels(self.metric, context)
        self._accuracy = Accuracy(settings, context)
        self._place = {label: index for index, label in enumerate(self._labels)}
        self.signature = Signature(self.metric, (_PARSER, ("classes", ",".join(self._labels))))

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """Statistics [2C]: a hit and a count in the columns of the sample's class."""
        for answer in answers:
            single = self._accuracy.measure_one(answer)
            if single.status != "scored":
                yield single
                continue
            stats = tuple(self._stats(answer[0], single.stats[0]).tolist())
            yield Measure("scored", stats, single.value, single.answer, single.why)

    def worst(self, sample: Sample) -> Stats:
        """A miss in the sample's class."""
        return self._stats(sample, 0.0)

    def best(self, sample: Sample) -> Stats:
        """A hit in the sample's class."""
        return self._stats(sample, 1.0)

    def _stats(self, sample: Sample, hit: float) -> Stats:
        stats = np.zeros((2, len(self._labels)))
        if sample.labels and sample.labels[0] in self._place:
            stats[:, self._place[sample.labels[0]]] = hit, 1.0
        return stats.ravel()

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """Mean recall [...] over classes that have weight; NaN where none has."""
        sums = weights @ stats
        classes = len(self._labels)
        hits, counts = sums[..., :classes], sums[..., classes:]
        present = counts > 0
        recalls = np.divide(hits, counts, out=np.zeros_like(hits), where=present)
        with np.errstate(invalid="ignore"):
            mean: Stats = recalls.sum(axis=-1) / present.sum(axis=-1)
        return mean


class UnweightedAccuracy(MeanRecall):
    """Mean recall over the classes."""

    metric = "unweighted_accuracy"


class BalancedAccuracy(MeanRecall):
    """Mean recall over the classes."""

    metric = "balanced_accuracy"


class YesRate(RatioScorer):
    """Share of yes among the answers that say yes or no: a model's bias, not its skill."""

    metric = "yes_rate"
    unit = "fraction"
    better = "higher"
    proportion = True
    readings = False

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._labels = required_labels(self.metric, context)
        if set(self._labels) != {"yes", "no"}:
            raise UsageError(
                f"metric 'yes_rate' needs the labels yes and no, but task {context.task!r} has "
                f"{', '.join(self._labels)}; leave the metric out"
            )
        self.signature = Signature(self.metric, (_PARSER,))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (said yes, said yes or no)."""
        read: Reading = read_label(answer[2].text or "", self._labels)
        return self.scored(read.label == "yes", read.label is not None, read.label, read.fault)

    def worst(self, sample: Sample) -> Stats:
        """A no."""
        return np.array([0.0, 1.0])

    def best(self, sample: Sample) -> Stats:
        """A yes."""
        return np.array([1.0, 1.0])
