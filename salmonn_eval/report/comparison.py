"""Two runs, or two variants of one, on the same items: what differs, by how much, and whether it could be chance."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Better, Unit, Variant
from salmonn_eval.report.likeness import Choice
from salmonn_eval.report.matching import check_alike, counterpart, set_pairs
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet
from salmonn_eval.stats.decisions import holm, mcnemar
from salmonn_eval.stats.paired import Difference
from salmonn_eval.stats.paired import compare as paired


class Flip(Struct, frozen=True):
    """One sample that the two sides did not answer equally well: its own values and both answers."""

    sample_id: str
    a: float
    b: float
    text_a: str | None
    text_b: str | None


class Compared(Struct, frozen=True):
    """One metric of one test set, A against B; `difference.value` is A - B in the metric's unit.

    `n` pairs were scored on both sides; `lost_a` and `lost_b` are samples scored on the other side only. `holm` is the
    p-value adjusted over the family of headline metrics (one a test set), None outside of it. `flips` are the samples
    whose own values differ, the largest difference first; `better` and `worse` count them as seen from A. A `group`
    row is over one group of the test set.
    """

    task: str
    dataset: str
    group: str | None
    variant_a: Variant
    variant_b: Variant
    metric: str
    signature: str
    unit: Unit
    better_is: Better
    headline: bool
    n: int
    lost_a: int
    lost_b: int
    a: float | None
    b: float | None
    difference: Difference
    holm: float | None
    mcnemar: float | None
    better: int
    worse: int
    flips: tuple[Flip, ...]
    notes: tuple[str, ...]


class Comparison(Struct, frozen=True):
    """All that was compared; `only_a` and `only_b` are test sets that the other run does not have."""

    a: str
    b: str
    rows: tuple[Compared, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    notes: tuple[str, ...]


def compare_runs(
    a: ScoredRun,
    b: ScoredRun,
    chosen: Choice | None = None,
    against: Choice | None = None,
    *,
    common: bool = False,
    every_metric: bool = False,
) -> Comparison:
    """Pair two runs (or one with itself, `chosen` against `against`) by task, dataset and sample.

    Args:
        a: its values come first in every difference.
        b: the run it is held against.
        chosen: fields of A's variants, where variants are compared.
        against: fields of B's variants.
        common: pair the samples that both have, where the subsets differ.
        every_metric: not only the headline metrics.

    Raises:
        UsageError: nothing is common to both; or what must match does not: signature, question, and for one model its
            settings beyond the compared variant.
    """
    pairs = list(set_pairs(a, b, chosen or {}, against or {}))
    if not pairs:
        told = [", ".join(dict.fromkeys(s.name for s in run.sets)) or "nothing" for run in (a, b)]
        wanted = f" with {_told(chosen)} against {_told(against)}" if chosen or against else ""
        raise UsageError(
            f"{a.path} and {b.path}: no test set in common{wanted}; the first has {told[0]} under "
            f"{_variants(a)}, the second {told[1]} under {_variants(b)}; compare scales, prompts or conditions with "
            "--variant X --against Y"
        )
    rows = [row for left, right in pairs for row in _compared(a, b, left, right, common, every_metric)]
    names_a, names_b = (tuple(dict.fromkeys(s.name for s in run.sets)) for run in (a, b))
    met = {left.name for left, _ in pairs}
    notes = tuple(
        f"{run.path}: the run is {run.state.status}, {run.state.errors} failed" for run in (a, b) if _unsound(run)
    )
    return Comparison(
        a=_label(a, b, chosen),
        b=_label(b, a, against),
        rows=tuple(_adjusted(rows)),
        only_a=tuple(name for name in names_a if name not in met),
        only_b=tuple(name for name in names_b if name not in met),
        notes=tuple(dict.fromkeys(notes)),
    )


def _unsound(run: ScoredRun) -> bool:
    return run.state.status != "done" or run.state.errors > 0


def _label(run: ScoredRun, other: ScoredRun, chosen: Choice | None) -> str:
    name = run.card.name if run.card.name != other.card.name or run.path == other.path else f"{run.path.name}"
    return f"{name} ({_told(chosen)})" if chosen else name


def _told(chosen: Choice | None) -> str:
    return ", ".join(f"{field}={value}" for field, value in (chosen or {}).items()) or "any variant"


def _variants(run: ScoredRun) -> str:
    return "; ".join(_fields(variant) for variant in run.variants)


def _fields(variant: Variant) -> str:
    return ",".join(f"{f}={getattr(variant, f)}" for f in variant.__struct_fields__ if getattr(variant, f) is not None)


def _compared(
    a: ScoredRun, b: ScoredRun, left: ScoredSet, right: ScoredSet, common: bool, every_metric: bool
) -> Iterator[Compared]:
    for mine in left.metrics:
        if not (mine.value.headline or every_metric):
            continue
        theirs = counterpart(mine, right)
        if theirs is None:
            continue
        notes = check_alike(a, b, left, right, mine, theirs, common)
        ids = [i for i in mine.rows if i in theirs.rows]
        yield _row(left, right, mine, theirs, ids, None, notes)
        for group, members in _groups(left, ids):
            yield _row(left, right, mine, theirs, members, group, ())


def _groups(side: ScoredSet, ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for field in side.question.dataset.breakdown:
        members: dict[str, list[str]] = {}
        for id_ in ids:
            group = side.items[id_].sample.group
            if field in group:
                members.setdefault(f"{field}={group[field]}", []).append(id_)
        yield from sorted(members.items())


def _row(
    left: ScoredSet,
    right: ScoredSet,
    mine: ScoredMetric,
    theirs: ScoredMetric,
    ids: Sequence[str],
    group: str | None,
    notes: tuple[str, ...],
) -> Compared:
    stats = {i: (mine.stats(i), theirs.stats(i)) for i in ids}
    both = [i for i in ids if stats[i][0] is not None and stats[i][1] is not None]
    lost_a = sum(stats[i][0] is None and stats[i][1] is not None for i in ids)
    lost_b = sum(stats[i][1] is None and stats[i][0] is not None for i in ids)
    scorer = mine.scorer
    if not both:
        raise UsageError(f"{left.name} {mine.value.metric}: no sample is scored on both sides; nothing can be compared")
    one = np.stack([s for i in both if (s := stats[i][0]) is not None])
    other = np.stack([s for i in both if (s := stats[i][1]) is not None])
    clusters = [left.cluster(i) for i in both]
    ones = np.ones(len(both))
    value_a, value_b = (float(scorer.combine(side, ones)) for side in (one, other))
    flips = _flips(left, right, mine, theirs, both)
    gains = [flip.a - flip.b if mine.value.better == "higher" else flip.b - flip.a for flip in flips]
    return Compared(
        task=left.question.task.id,
        dataset=left.question.dataset_id,
        group=group,
        variant_a=left.variant,
        variant_b=right.variant,
        metric=mine.value.metric,
        signature=mine.value.signature,
        unit=mine.value.unit,
        better_is=mine.value.better,
        headline=mine.value.headline,
        n=len(both),
        lost_a=lost_a,
        lost_b=lost_b,
        a=value_a if np.isfinite(value_a) else None,
        b=value_b if np.isfinite(value_b) else None,
        difference=paired(scorer.combine, one, other, clusters, additive=scorer.additive),
        holm=None,
        mcnemar=mcnemar(one[:, 0], other[:, 0], clusters) if scorer.proportion else None,
        better=sum(gain > 0 for gain in gains),
        worse=sum(gain < 0 for gain in gains),
        flips=tuple(flips),
        notes=notes,
    )


def _flips(
    left: ScoredSet, right: ScoredSet, mine: ScoredMetric, theirs: ScoredMetric, ids: Sequence[str]
) -> list[Flip]:
    found = []
    for id_ in ids:
        a, b = mine.rows[id_].value, theirs.rows[id_].value
        if a is not None and b is not None and a != b:
            found.append(Flip(id_, a, b, _text(left, id_), _text(right, id_)))
    return sorted(found, key=lambda flip: -abs(flip.a - flip.b))


def _text(side: ScoredSet, id_: str) -> str | None:
    prediction = side.items[id_].prediction
    return prediction.text if prediction else None


def _adjusted(rows: Sequence[Compared]) -> Iterator[Compared]:
    """Holm's correction over one headline metric, the first, of each test set."""
    family: dict[tuple[str, str, Variant, Variant], int] = {}
    for index, row in enumerate(rows):
        if row.headline and row.group is None and row.difference.chance.p is not None:
            family.setdefault((row.task, row.dataset, row.variant_a, row.variant_b), index)
    p_values = [p for index in family.values() if (p := rows[index].difference.chance.p) is not None]
    adjusted = dict(zip(family.values(), holm(p_values), strict=True))
    for index, row in enumerate(rows):
        yield msgspec.structs.replace(row, holm=adjusted.get(index))
