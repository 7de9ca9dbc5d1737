"""From measures to metric values: three readings, bounds, intervals, and the full account of what was counted."""

import math
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.engine.fingerprints import UNKNOWN, judged
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.records import (
    Followed,
    Interval,
    IntervalMethod,
    Measure,
    MetricValue,
    Reading,
    Sample,
    ValueStatus,
    Variant,
)
from salmonn_eval.scorers.base import Scorer, Stats
from salmonn_eval.scorers.registry import describe
from salmonn_eval.stats.intervals import interval
from salmonn_eval.tasks.spec import ITEM_CLUSTERS, MetricSpec

READINGS: tuple[Reading, ...] = ("all", "followed", "strict")


class Column:
    """One metric's measures over all items of a question, with the ends that strict reading and bounds need."""

    def __init__(self, metric: MetricSpec, scorer: Scorer) -> None:
        self.metric = metric
        self.scorer = scorer
        self.status: list[str] = []
        self.stats: list[Stats | None] = []
        self.worst: dict[int, Stats] = {}
        self.best: dict[int, Stats] = {}

    def add(self, sample: Sample, measure: Measure, followed: Followed | None) -> None:
        """Take the next item's measure."""
        index = len(self.status)
        scored = measure.status == "scored"
        self.status.append(measure.status)
        self.stats.append(np.asarray(measure.stats, dtype=np.float64) if scored else None)
        if not scored or followed == "no":
            _keep(self.worst, index, self.scorer.worst, sample)
        if not scored:
            _keep(self.best, index, self.scorer.best, sample)


def _keep(ends: dict[int, Stats], index: int, end: Callable[[Sample], Stats], sample: Sample) -> None:
    """Note one end; a sample that a scorer cannot even imagine an answer to (no reference) has none."""
    try:
        ends[index] = end(sample)
    except Exception:  # the boundary around scorers: one sample costs itself alone
        return


class Frame(Struct, frozen=True):
    """What all metrics of a question share; the lists run over its items in plan order.

    `items` are the places of each variant's items; a cluster is empty where the data names none; `followed` is None
    where there is no answer; `judge` is who decided `followed`, None where a rule did; `intervals` is their method.
    """

    spec: RunSpec
    question: Question
    items: dict[Variant, list[int]]
    clusters: list[tuple[str, ...]]
    groups: list[dict[str, str]]
    followed: list[Followed | None]
    asked: dict[Variant, str]
    system: dict[Variant, str]
    judge: str | None = None
    intervals: IntervalMethod = "standard"


def summarise(frame: Frame, column: Column, variant: Variant) -> Iterator[MetricValue]:
    """All values of one metric under one variant: each reading, then each breakdown group (reading `all`)."""
    own = frame.items.get(variant, [])
    for reading in READINGS if column.scorer.readings else READINGS[:1]:
        yield _value(frame, column, variant, own, reading, None)
    for field in frame.question.dataset.breakdown:
        members: dict[str, list[int]] = {}
        for index in own:
            if field in frame.groups[index]:
                members.setdefault(f"{field}={frame.groups[index][field]}", []).append(index)
        for group in sorted(members):
            yield _value(frame, column, variant, members[group], "all", group)


def without_value(frame: Frame, metric: MetricSpec, variant: Variant, status: ValueStatus, why: str) -> MetricValue:
    """A metric that could not be had, with the reason."""
    own = frame.items.get(variant, [])
    failed = sum(frame.followed[index] is None for index in own)
    account = _account(frame, metric, variant, own)
    return msgspec.structs.replace(account, n_unscored=len(own) - failed, n_error=failed, status=status, why=why)


def bare(metric: MetricSpec) -> str:
    """The signature of a metric that nobody computed: its name and what was set of it."""
    return "|".join([metric.name, *(f"{name}:{value}" for name, value in metric.settings.items())])


def blank(model: str, task: str, dataset: str, metric: MetricSpec, variant: Variant) -> MetricValue:
    """A metric's identity before anything was counted."""
    facts = describe(metric.name)
    return MetricValue(
        model=model,
        task=task,
        dataset=dataset,
        group=None,
        variant=variant,
        metric=metric.name,
        reading="all",
        value=None,
        unit=facts.unit,
        better=facts.better,
        ci=None,
        bounds=None,
        n_planned=0,
        n_scored=0,
        n_unscored=0,
        n_error=0,
        n_followed=0,
        n_undetermined=0,
        signature=bare(metric),
        asked=UNKNOWN,
        system=UNKNOWN,
        headline=metric.headline,
    )


def _account(frame: Frame, metric: MetricSpec, variant: Variant, items: list[int]) -> MetricValue:
    """A value's identity and counts, before it has a value."""
    followed = [frame.followed[index] for index in items]
    question = frame.question
    return msgspec.structs.replace(
        blank(frame.spec.card.name, question.task.id, question.dataset_id, metric, variant),
        n_planned=len(items),
        n_followed=followed.count("yes"),
        n_undetermined=followed.count("undetermined"),
        asked=frame.asked.get(variant, UNKNOWN),
        system=frame.system.get(variant, UNKNOWN),
    )


def _value(
    frame: Frame, column: Column, variant: Variant, items: list[int], reading: Reading, group: str | None
) -> MetricValue:
    scored, left = _split(frame, column, items, reading)
    point = _point(column, [_stats(column, frame, i, reading) for i in scored])
    account = _account(frame, column.metric, variant, items)
    return msgspec.structs.replace(
        account,
        asked=judged(account.asked, column.scorer.judged_by or frame.judge),
        group=group,
        reading=reading,
        value=point,
        ci=_interval(frame, column, scored, reading) if point is not None else None,
        bounds=_bounds(frame, column, scored, left, reading),
        n_scored=len(scored),
        n_unscored=sum(column.status[i] == "unscored" for i in items),
        n_error=sum(column.status[i] == "error" for i in items),
        signature=str(column.scorer.signature),
        status="ok" if point is not None else "missing",
        why=_verdicts(column, items, reading) if point is not None else _why_nothing(reading, bool(scored)),
    )


def _split(frame: Frame, column: Column, items: list[int], reading: Reading) -> tuple[list[int], list[int]]:
    """Items that make the value, and those open to the bounds.

    What did not follow is out of `followed` whether it could be scored or not, and is known, namely worst, in `strict`.
    """
    scored: list[int] = []
    left: list[int] = []
    for index in items:
        refused = frame.followed[index] == "no"
        known = column.status[index] == "scored" or (reading == "strict" and refused and index in column.worst)
        if reading == "followed" and (refused or (known and frame.followed[index] != "yes")):
            continue
        (scored if known else left).append(index)
    return scored, left


def _verdicts(column: Column, items: list[int], reading: Reading) -> str | None:
    """How many answers a judge's verdict could be had of; None where no judge decides."""
    if column.scorer.judged_by is None or reading != "all":
        return None
    got = [column.status[i] == "scored" for i in items if column.status[i] != "error"]
    return f"{column.metric.name}: judge {column.scorer.judged_by} gave a verdict on {sum(got)} of {len(got)} answers"


def _why_nothing(reading: Reading, scored: bool) -> str:
    if scored:
        return "undefined: the references hold nothing to count"
    return "no answer followed the instruction" if reading == "followed" else "no answer could be scored"


def _stats(column: Column, frame: Frame, index: int, reading: Reading) -> Stats:
    if reading == "strict" and frame.followed[index] == "no" and index in column.worst:
        return column.worst[index]
    stats = column.stats[index]
    assert stats is not None, "only scored items have statistics"
    return stats


def _point(column: Column, stats: list[Stats]) -> float | None:
    if not stats:
        return None
    value = float(column.scorer.combine(np.stack(stats), np.ones(len(stats))))
    return value if np.isfinite(value) else None


def _interval(frame: Frame, column: Column, scored: list[int], reading: Reading) -> Interval | None:
    stats: NDArray[np.float64] = np.stack([_stats(column, frame, i, reading) for i in scored])
    clusters = [frame.clusters[i] or (f"item {i}",) for i in scored]
    found = interval(
        column.scorer.combine,
        stats,
        clusters,
        proportion=column.scorer.proportion,
        additive=column.scorer.additive,
        highest=1.0 if column.scorer.unit == "fraction" else math.inf,
        method=frame.intervals,
    )
    named = frame.question.dataset.cluster
    if found is None or named in ITEM_CLUSTERS or all(frame.clusters[i] for i in scored):
        return found
    caution = "; ".join(text for text in (f"items were resampled, no {named} being known", found.caution) if text)
    return msgspec.structs.replace(found, caution=caution)


def _bounds(
    frame: Frame, column: Column, scored: list[int], left: list[int], reading: Reading
) -> tuple[float, float] | None:
    """(low, high) if everything unscored or failed were worst or best; None when nothing is."""
    if not left:
        return None
    base = [_stats(column, frame, i, reading) for i in scored]
    ends = [_point(column, [*base, *(end[i] for i in left if i in end)]) for end in (column.worst, column.best)]
    known = [end for end in ends if end is not None]
    return (min(known), max(known)) if known else None
