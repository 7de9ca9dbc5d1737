"""Before and after activation tuning, beside a control that learned as many plain answers: what changed, and where."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.diagnose.estimate import Estimate, mean
from salmonn_eval.diagnose.folds import joint_members
from salmonn_eval.diagnose.graded import GradedSet, graded_sets
from salmonn_eval.diagnose.losses import Metric, headline_metrics
from salmonn_eval.diagnose.reading import Answered, ReadRun
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Better, Interval, Unit, Variant
from salmonn_eval.stats.bootstrap import DRAWS, SEED, bootstrap_counts, percentile_interval
from salmonn_eval.stats.intervals import interval
from salmonn_eval.stats.members import Array

BEFORE, AFTER, CONTROL = range(3)


class Effect(Struct, frozen=True):
    """A value of all three, and differences on the same items.

    `change` is after less before, `control_change` control less before, `beyond` after less control.
    """

    before: float | None
    after: float | None
    control: float | None
    change: Estimate
    control_change: Estimate
    beyond: Estimate


class MetricEffect(Struct, frozen=True):
    """One headline metric over the items that all three have scored."""

    metric: str
    unit: Unit
    better: Better
    n: int
    effect: Effect


class ActivationRow(Struct, frozen=True):
    """One test set. G and following are over `n` items; `n_left_out` lack a score in one of the three runs."""

    task: str
    dataset: str
    trained: bool
    activated: bool
    n: int
    n_left_out: int
    g: Effect
    following: Effect
    metrics: tuple[MetricEffect, ...]


class GroupEffect(Struct, frozen=True):
    """Mean G over tasks of equal weight: of the activated task, of the other untrained ones, of the trained ones."""

    group: str
    tasks: tuple[str, ...]
    n_units: int
    g: Effect


class Activation(Struct, frozen=True):
    """`diagnosis/activation.json`. `only_some` are test sets that not all three runs have."""

    before: str
    after: str
    control: str
    activated: str
    groups: tuple[GroupEffect, ...]
    rows: tuple[ActivationRow, ...]
    only_some: tuple[str, ...] = ()
    diagnosis: str = "activation"
    schema: int = 1


class _Items(Struct, frozen=True):
    """A test set in all three runs: G and following [n, 3] of the same items."""

    sets: tuple[GradedSet, ...]
    answers: tuple[Answered, ...]
    g: Array
    followed: Array


def activation(before: ReadRun, after: ReadRun, control: ReadRun, activated: str) -> Activation:
    """Each at its own scale, under the release's prompts. `activated` is the task whose answers were learned.

    Raises UsageError where the runs have no test set in common or ask it differently, and where two are one model.
    """
    runs = before, after, control
    fingerprints = {run.state.spec.card.fingerprint for run in runs}
    if len(fingerprints) < len(runs):
        raise UsageError(
            "two of the runs before, after and control are of one and the same model; expected three models"
        )
    by_name = [{graded.asked.question.name: graded for graded in _own(run)} for run in runs]
    names = [name for name in by_name[0] if all(name in one for one in by_name)]
    if not names:
        raise UsageError(
            "the runs before, after and control have no test set in common; ask all three the same --tasks"
        )
    items = {name: _items(tuple(one[name] for one in by_name)) for name in names}
    every = dict.fromkeys(name for one in by_name for name in one)
    return Activation(
        before=before.state.spec.card.name,
        after=after.state.spec.card.name,
        control=control.state.spec.card.name,
        activated=activated,
        groups=tuple(_groups(before, list(items.values()), activated)),
        rows=tuple(_row(before, found, activated) for found in items.values()),
        only_some=tuple(name for name in every if name not in names),
    )


def _own(run: ReadRun) -> Iterator[GradedSet]:
    """The test sets at the model's own scale."""
    scale = run.state.spec.card.default_lora_scale
    if Variant(scale) not in run.variants:
        raise UsageError(f"the run of {run.state.spec.card.name} lacks the model's own scale ({scale}); ask it too")
    return graded_sets(replace(run, sets=tuple(asked for asked in run.sets if asked.variant == Variant(scale))))


def _items(sets: tuple[GradedSet, ...]) -> _Items:
    if len({graded.asked.question.source for graded in sets}) > 1:
        raise UsageError(
            f"{sets[0].asked.question.name}: the runs before, after and control ask different samples of it"
        )
    found = []
    for graded in sets:
        values = zip(graded.asked.answers, graded.g.tolist(), graded.followed.tolist(), strict=True)
        found.append({answer.sample.id: (g, yes) for answer, g, yes in values if not np.isnan(g)})
    kept = tuple(a for a in sets[0].asked.answers if all(a.sample.id in one for one in found))
    both = np.array([[one[answer.sample.id] for one in found] for answer in kept], dtype=np.float64)
    both = both.reshape(len(kept), len(sets), 2)
    return _Items(sets, kept, both[..., 0], both[..., 1])


def _row(run: ReadRun, found: _Items, activated: str) -> ActivationRow:
    asked = found.sets[0].asked
    task = asked.question.task
    clusters = [answer.cluster for answer in found.answers]
    everybody = {answer.sample.id for graded in found.sets for answer in graded.asked.answers}
    return ActivationRow(
        task=task.id,
        dataset=asked.question.dataset_id,
        trained=run.trained(task.id, task.level),
        activated=task.id == activated,
        n=len(found.answers),
        n_left_out=len(everybody) - len(found.answers),
        g=_means(found.g, clusters),
        following=_means(found.followed, clusters),
        metrics=tuple(_metric(metric) for metric in headline_metrics([graded.asked for graded in found.sets])),
    )


def _means(values: Array, clusters: Sequence[tuple[str, ...]]) -> Effect:
    if not len(values):
        none = Estimate(why="no item is scored in all three")
        return Effect(None, None, None, none, none, none)

    def gap(one: int, other: int) -> Estimate:
        return mean(values[:, one] - values[:, other], clusters, difference=True)

    return _effect(values.mean(axis=0).tolist(), gap)


def _effect(values: Sequence[float], gap: Callable[[int, int], Estimate]) -> Effect:
    return Effect(
        before=values[BEFORE],
        after=values[AFTER],
        control=values[CONTROL],
        change=gap(AFTER, BEFORE),
        control_change=gap(CONTROL, BEFORE),
        beyond=gap(AFTER, CONTROL),
    )


def _metric(metric: Metric) -> MetricEffect:
    scorer, half = metric.scorer, metric.stats.shape[2]

    def between(stats: Array, weights: Array) -> Array:
        return scorer.combine(stats[:, :half], weights) - scorer.combine(stats[:, half:], weights)

    def gap(one: int, other: int) -> Estimate:
        both = np.hstack([metric.stats[one], metric.stats[other]])
        value = float(between(both, np.ones(len(both))))
        return Estimate(value, interval(between, both, metric.clusters, additive=scorer.additive, lowest=-np.inf))

    effect = _effect([metric.value(place) for place in (BEFORE, AFTER, CONTROL)], gap)
    return MetricEffect(metric.name, scorer.unit, scorer.better, len(metric.samples), effect)


def _groups(run: ReadRun, items: Sequence[_Items], activated: str) -> Iterator[GroupEffect]:
    groups: dict[str, list[_Items]] = {"activated": [], "other untrained": [], "trained": []}
    for found in items:
        task = found.sets[0].asked.question.task
        trained = run.trained(task.id, task.level)
        name = "activated" if task.id == activated else "trained" if trained else "other untrained"
        if found.answers:
            groups[name].append(found)
    return (_group(name, members) for name, members in groups.items() if members)


def _group(name: str, items: Sequence[_Items]) -> GroupEffect:
    """Means over tasks, a task's sets weighing the same; clusters that several test sets share are drawn together."""
    who = joint_members([(found.sets[0].asked.question.name, found.answers) for found in items])
    ends = np.cumsum([0, *(len(found.answers) for found in items)])
    tasks = [found.sets[0].asked.question.task.id for found in items]
    known = list(dict.fromkeys(tasks))

    def means(weights: Array) -> Array:
        """Mean G [draws, 3] for item weights [draws, items]."""
        sets = [
            (mine := weights[:, start:end]) @ found.g / mine.sum(axis=1, keepdims=True)
            for found, (start, end) in zip(items, pairwise(ends), strict=True)
        ]
        by_task = [
            np.mean([one for one, task in zip(sets, tasks, strict=True) if task == own], axis=0) for own in known
        ]
        found: Array = np.mean(by_task, axis=0)
        return found

    values = means(np.ones((1, int(ends[-1]))))[0]
    draws = np.concatenate([means(who.weights(counts)) for counts in bootstrap_counts(who, DRAWS, SEED)])

    def gap(one: int, other: int) -> Estimate:
        low, high = percentile_interval(draws[:, one] - draws[:, other])
        ci = Interval(low, high, f"cluster bootstrap, {DRAWS} draws", who.size) if high > low else None
        return Estimate(float(values[one] - values[other]), ci)

    return GroupEffect(name, tuple(known), who.size, _effect(values.tolist(), gap))
