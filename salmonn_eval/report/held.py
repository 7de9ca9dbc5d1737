"""Which metrics of a run are held against which of a baseline, and what must be the same about them."""

from collections.abc import Iterator

import msgspec

from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.report.baseline import Baseline, BaselineMetric, BaselineSet
from salmonn_eval.report.likeness import (
    Choice,
    asked_but,
    changed_fields,
    differing,
    paired_variants,
    system_but,
)
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet

Gated = tuple[BaselineSet, ScoredSet, int]
"""A metric of the baseline, by its index in the set, and the run's set that is held against it."""


def gated_pairs(run: ScoredRun, baseline: Baseline, chosen: Choice, against: Choice, name: str) -> Iterator[Gated]:
    """Each metric of the baseline, by its index, with the run's scored set."""
    held = list(dict.fromkeys(entry.variant for entry in baseline.sets))
    met = {b: a for a, b in paired_variants(run.variants, held, chosen, against)}
    wanted = [entry for entry in baseline.sets if entry.variant in met]
    if not wanted:
        told = "; ".join(str(msgspec.to_builtins(variant) or "the plain variant") for variant in held)
        ours = "; ".join(str(msgspec.to_builtins(variant) or "the plain variant") for variant in run.variants)
        raise UsageError(
            f"{name}: holds {told}, the run {ours}; run the baseline's variant, or say which to hold against which "
            "with --variant X --against Y"
        )
    for entry in wanted:
        scored = next(
            (s for s in run.sets if s.name == entry.name and s.variant == met[entry.variant]),
            None,
        )
        if scored is None:
            raise IncompleteError(f"{run.path}: {entry.name} of {name} is not in the run; run it too")
        yield from ((entry, scored, index) for index in range(len(entry.metrics)))


def gated_metric(
    run: ScoredRun, entry: BaselineSet, held: BaselineMetric, scored: ScoredSet, name: str
) -> ScoredMetric:
    """The run's metric that a gated one is held against; IncompleteError where it is absent."""
    same = [metric for metric in scored.metrics if metric.value.metric == held.metric]
    exact = [metric for metric in same if metric.value.signature == held.signature]
    headline = [metric for metric in same if metric.value.headline]
    found = next(iter([*exact, *headline, *same]), None)
    if found is None or found.value.value is None:
        gone = next((value for value in scored.missing if value.metric == held.metric), found and found.value)
        why = (gone.why if gone else None) or "it was not asked for"
        raise IncompleteError(f"{run.path}: {entry.name} {held.metric} of {name} is absent ({why})")
    return found


def refuse_unlike(
    run: ScoredRun, entry: BaselineSet, held: BaselineMetric, scored: ScoredSet, mine: ScoredMetric, name: str
) -> None:
    """UsageError where scoring, question, settings (beyond the compared variant) or samples are not the baseline's."""
    where = f"{entry.name} {held.metric}"
    changed = changed_fields(scored.variant, entry.variant)
    reasons = (
        ("scored as", held.signature, mine.value.signature, frozenset[str]()),
        ("asked", held.asked, mine.value.asked, asked_but(changed)),
        ("set to", held.system, mine.value.system, system_but(changed)),
    )
    for verb, before, now, free in reasons:
        if fault := differing(before, now, free):
            raise UsageError(
                f"{where}: {verb} {fault[0]} in {name} but {fault[1]} in {run.path}; run it as the baseline was, or "
                "make the baseline again with --update"
            )
    absent = [sample.id for sample in entry.samples if sample.id not in scored.items]
    if absent:
        raise UsageError(
            f"{where}: {len(absent)} samples of {name} are not in {run.path}, {absent[0]!r} the first; run the "
            "same subset"
        )
