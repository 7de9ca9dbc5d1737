"""What another scale costs on trained tasks: relative losses of headline metrics, and how surely they are small."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from salmonn_eval.diagnose.reading import AnswerSet
from salmonn_eval.engine.scoring import ScoreRow, context_of, settled
from salmonn_eval.records import Sample, Unit
from salmonn_eval.scorers.base import Scorer
from salmonn_eval.scorers.registry import arithmetic
from salmonn_eval.stats.bootstrap import bootstrap_values
from salmonn_eval.stats.intervals import FEW
from salmonn_eval.stats.jackknife import jackknife_se, jackknife_values, t_quantile
from salmonn_eval.stats.members import Array, Combine, members

RANGE: Mapping[Unit, float] = {"percent": 100.0, "points": 100.0, "fraction": 1.0, "words": 0.0}
FLOOR = 0.05
"""A metric near zero is held against this share of its unit's range instead of against itself."""
LEVEL = 0.95


class Metric(Struct, frozen=True, eq=False):
    """One headline metric over a sweep: statistics [scales, n, K] of the answers that every scale has scored."""

    task: str
    dataset: str
    name: str
    scorer: Scorer
    stats: Array
    samples: tuple[Sample, ...]

    @property
    def clusters(self) -> list[tuple[str, ...]]:
        """What is resampled, by answer."""
        return [sample.cluster or (f"item {sample.id}",) for sample in self.samples]

    def value(self, scale: int) -> float:
        """The metric in its unit at one scale."""
        return float(self.scorer.combine(self.stats[scale], np.ones(len(self.samples))))

    def losses(self, default: int, weights: Array) -> Array:
        """The relative loss [..., scales] against the default scale: positive is worse."""
        values = np.stack([self.scorer.combine(stats, weights) for stats in self.stats], axis=-1)
        return relative_loss(values, values[..., default, None], self.scorer)


class Loss(Struct, frozen=True):
    """`value` at a scale against `default`, in the metric's unit; `loss` is relative and `bound` its upper 95 % end."""

    task: str
    dataset: str
    metric: str
    value: float
    default: float
    loss: float
    bound: float | None


def relative_loss(value: Array, default: Array, scorer: Scorer) -> Array:
    """(value - default) turned so that positive is worse, over max(|default|, .05 of the unit's range)."""
    sign = 1.0 if scorer.better == "lower" else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = sign * (value - default) / np.maximum(np.abs(default), FLOOR * RANGE[scorer.unit])
    return found


def headline_metrics(sets: Sequence[AnswerSet]) -> Iterator[Metric]:
    """The headline metrics of one test set over its scales (`sets` in their order), following rates left out."""
    question = sets[0].question
    for spec in question.metrics:
        if not spec.headline or spec.name in ("following_rate", "judge_accuracy"):
            continue
        scorer = arithmetic(spec.name, spec.settings, context_of(question))
        rows = [_rows(asked, str(settled(scorer.signature, question)), spec.name) for asked in sets]
        if not all(rows):
            continue
        ids = [i for i in rows[0] if all(i in row and row[i].status == "scored" for row in rows)]
        if not ids:
            continue
        stats = np.array([[row[i].stats for i in ids] for row in rows], dtype=np.float64)
        samples = {answer.sample.id: answer.sample for asked in sets for answer in asked.answers}
        kept = tuple(samples[i] for i in ids)
        yield Metric(question.task.id, question.dataset_id, spec.name, scorer, stats, kept)


def _rows(asked: AnswerSet, signature: str, name: str) -> Mapping[str, ScoreRow]:
    """The rows of a metric's signature, or of its first one: some signatures know the corpus."""
    named = [one for one in asked.scores if one.partition("|")[0] == name]
    return asked.scores.get(signature) or (asked.scores[named[0]] if named else {})


def loss_at(metric: Metric, scale: int, default: int) -> Loss:
    """The loss of one metric at one scale, with its one-sided upper 95 % bound over clusters."""
    if scale == default:
        held = metric.value(default)
        return Loss(metric.task, metric.dataset, metric.name, held, held, 0.0, 0.0)
    both = np.hstack([metric.stats[scale], metric.stats[default]])
    combine = _paired(metric)
    value, held = metric.value(scale), metric.value(default)
    loss = float(combine(both, np.ones(len(both))))
    return Loss(metric.task, metric.dataset, metric.name, value, held, loss, _bound(metric, combine, both, loss))


def _paired(metric: Metric) -> Combine:
    def loss(stats: Array, weights: Array) -> Array:
        half = stats.shape[1] // 2
        there, here = (metric.scorer.combine(part, weights) for part in (stats[:, :half], stats[:, half:]))
        return relative_loss(there, here, metric.scorer)

    return loss


def _bound(metric: Metric, combine: Combine, both: Array, loss: float) -> float | None:
    """Percentile bootstrap over 40 clusters or more, jackknife with t below it."""
    who = members(metric.clusters)
    if who.size < 2 or not np.isfinite(loss):
        return None
    additive = metric.scorer.additive
    half = both.shape[1] // 2
    if np.array_equal(both[:, :half], both[:, half:]):
        return unseen(metric, both, who.size)
    if who.size >= FEW:
        values = bootstrap_values(combine, both, who, additive=additive)
        upper = float(np.nanquantile(values, LEVEL))
    else:
        left_out = jackknife_values(combine, both, who, additive=additive)
        upper = loss + t_quantile(who.size - 1, LEVEL) * jackknife_se(left_out)
    return upper if np.isfinite(upper) else None


def unseen(metric: Metric, both: Array, size: int) -> float:
    """The loss that may have gone unseen where no answer of any cluster differs in what is counted.

    Of `size` clusters without a change a share of 1 - .05^(1/size) may still change (the rule of three), and be wholly
    wrong: the loss between the default and as many of its answers replaced by the worst.
    """
    half = both.shape[1] // 2
    worst = np.stack([metric.scorer.worst(sample) for sample in metric.samples])
    share = 1 - (1 - LEVEL) ** (1 / size)
    mixed = np.vstack([both[:, half:], worst])
    weights = np.concatenate([np.full(len(both), 1 - share), np.full(len(worst), share)])
    found = metric.scorer.combine(mixed, weights)
    held = metric.scorer.combine(both[:, half:], np.ones(len(both)))
    return float(relative_loss(found, held, metric.scorer))
