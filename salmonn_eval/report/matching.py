"""Which test sets and metrics of two runs belong together, and what must be the same about them."""

from collections.abc import Iterator

import msgspec

from salmonn_eval.errors import UsageError
from salmonn_eval.report.likeness import (
    SUBSET,
    Choice,
    asked_but,
    changed_fields,
    differing,
    paired_variants,
    system_but,
)
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet


def set_pairs(a: ScoredRun, b: ScoredRun, chosen: Choice, against: Choice) -> Iterator[tuple[ScoredSet, ScoredSet]]:
    """Each test set of A beside the same one of B, under the variants that are to be compared."""
    met = list(paired_variants(a.variants, b.variants, chosen, against))
    scales = [{variant.lora_scale for variant in run.variants} for run in (a, b)]
    if not (met or chosen or against) and a.card.name != b.card.name and all(len(found) == 1 for found in scales):
        # Two models that each have one scale: it is a setting of theirs, not another question.
        met = [
            (v, w) for v in a.variants for w in b.variants if v == msgspec.structs.replace(w, lora_scale=v.lora_scale)
        ]
    for left in a.sets:
        for right in b.sets:
            if left.name == right.name and (left.variant, right.variant) in met and left.metrics and right.metrics:
                yield left, right


def counterpart(mine: ScoredMetric, right: ScoredSet) -> ScoredMetric | None:
    """The other side's metric of the same signature; else, for a headline, its headline of that name."""
    same = [m for m in right.metrics if m.value.metric == mine.value.metric]
    exact = [m for m in same if m.value.signature == mine.value.signature]
    alike = [m for m in same if m.value.headline] if mine.value.headline else []
    return next(iter([*exact, *alike]), None)


def check_alike(
    a: ScoredRun,
    b: ScoredRun,
    left: ScoredSet,
    right: ScoredSet,
    mine: ScoredMetric,
    theirs: ScoredMetric,
    common: bool,
) -> tuple[str, ...]:
    """Refuse a pair whose scoring, question or (for one model) settings differ; returns what is not known of it."""
    where = f"{left.name} {mine.value.metric}"
    changed = changed_fields(left.variant, right.variant)
    if fault := differing(mine.value.signature, theirs.value.signature):
        raise UsageError(
            f"{where}: scored as {fault[0]} in {a.path} but as {fault[1]} in {b.path}; score both with the same "
            "settings (salmonn-eval score RUN)"
        )
    free = asked_but(changed) | (SUBSET if common else frozenset())
    if fault := differing(mine.value.asked, theirs.value.asked, free):
        raise UsageError(
            f"{where}: {a.path} was asked {fault[0]} but {b.path} {fault[1]}; ask both the same, or compare the "
            "samples that both have with --common"
        )
    if common:
        refuse_other_items(where, left, right, "prompt_set" in changed)
    if a.card.name == b.card.name and (fault := differing(mine.value.system, theirs.value.system, system_but(changed))):
        raise UsageError(
            f"{where}: {a.card.name} was set to {fault[0]} in {a.path} but to {fault[1]} in {b.path}; a model is "
            "compared with itself under the same settings (or --variant X --against Y)"
        )
    unknown = [
        told
        for told, field in (("asked", "asked"), ("scored", "signature"), ("set up", "system"))
        if UNKNOWN in (getattr(mine.value, field), getattr(theirs.value, field))
    ]
    return (f"how it was {' and '.join(unknown)} is not known on both sides",) if unknown else ()


def refuse_other_items(where: str, left: ScoredSet, right: ScoredSet, reworded: bool) -> None:
    """UsageError where a sample of both is not the same: reference, label, or (unless `reworded`) instruction."""
    for id_ in left.items:
        if id_ not in right.items:
            continue
        one, other = left.items[id_], right.items[id_]
        same = (one.sample.references, one.sample.labels) == (other.sample.references, other.sample.labels)
        if not same or not (reworded or one.row.request.instruction == other.row.request.instruction):
            raise UsageError(
                f"{where}: sample {id_!r} has another reference, label or instruction in the other run; the runs are "
                "of different versions of the test set"
            )
