"""The gate: is a run worse than its baseline? Paired on per-sample statistics, judged by interval against a tolerance.

With w the worsening and its tolerance t: *regress* if the 95 % interval of w lies above t and the test against t holds
after Holm's correction over all gated metrics; *pass* if the interval's upper end is at most t, or every answer is the
same; else *inconclusive*, with the number of samples that would decide.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.records import Better, Interval, Unit, Variant
from salmonn_eval.report.baseline import Baseline, BaselineSet, digest
from salmonn_eval.report.compare_text import p_value
from salmonn_eval.report.held import Gated, gated_metric, gated_pairs, refuse_unlike
from salmonn_eval.report.likeness import Choice
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.report.scored import ScoredRun, ScoredSet
from salmonn_eval.scorers.base import Scorer, Stats
from salmonn_eval.stats.decisions import holm
from salmonn_eval.stats.paired import Difference, compare

Outcome = Literal["pass", "regress", "inconclusive"]
ON_THE_TOLERANCE = 1e-4
"""The part of an interval's half-width within which a difference lies on its tolerance: 1e8 times the samples."""
ALPHA = 0.05


class Verdict(Struct, frozen=True):
    """One gated metric. `worsening` and `interval` are positive where the run is worse, in the metric's unit.

    `p` is for a worsening beyond the tolerance, `holm` the same adjusted over all gated metrics; `needed` is how many
    samples would decide. `lost` are samples that the baseline has scored and the run has not, `changed` those with
    another answer; `why` is the outcome in words.
    """

    name: str
    variant: Variant
    metric: str
    unit: Unit
    better: Better
    baseline: float | None
    value: float | None
    worsening: float | None
    interval: Interval | None
    tolerance: float
    p: float | None
    holm: float | None
    n: int
    lost: int
    changed: int
    needed: int | None
    outcome: Outcome
    why: str


class Report(Struct, frozen=True):
    """All verdicts; `outcome` is the worst of them. `notes` are what a reader should know beside them."""

    run: str
    model: str
    baseline: str
    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def check(
    run: ScoredRun, baseline: Baseline, name: str, chosen: Choice | None = None, against: Choice | None = None
) -> Report:
    """Hold a run (its variants `chosen`) against the baseline (its variants `against`), called `name`.

    Raises:
        IncompleteError: the run is not whole, or lacks a metric of the baseline.
        UsageError: what must match does not: signature, question, samples, settings beyond the compared variant.
    """
    if run.state.status != "done":
        raise IncompleteError(f"{run.path}: the run is {run.state.status}; only a whole run is held against a baseline")
    pairs = list(gated_pairs(run, baseline, chosen or {}, against or {}, name))
    found = [_verdict(run, entry, scored, index, baseline, name) for entry, scored, index in pairs]
    if not found:
        raise UsageError(f"{name}: the baseline holds no metric; make it again with --update")
    adjusted = iter(holm([v.p for v in found if v.p is not None]))
    judged = tuple(_decided(v, next(adjusted) if v.p is not None else None) for v in found)
    outcomes = {verdict.outcome for verdict in judged}
    worst: Outcome = "regress" if "regress" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"
    return Report(str(run.path), run.card.name, name, worst, judged, tuple(_notes(run, baseline, pairs)))


def _verdict(
    run: ScoredRun, entry: BaselineSet, scored: ScoredSet, index: int, baseline: Baseline, name: str
) -> Verdict:
    held = entry.metrics[index]
    mine = gated_metric(run, entry, held, scored, name)
    refuse_unlike(run, entry, held, scored, mine, name)
    before = {s.id: np.asarray(s.stats[index], dtype=np.float64) for s in entry.samples if s.stats[index] is not None}
    now = {id_: stats for id_ in before if (stats := mine.stats(id_)) is not None}
    if not now:
        raise IncompleteError(f"{run.path}: {entry.name} {held.metric}: no sample of the baseline is scored in the run")
    outputs = {sample.id: sample.output for sample in entry.samples}
    changed = sum(digest(scored, id_) != output for id_, output in outputs.items())
    tolerance = baseline.tolerance(entry.name, held)
    gap = _worsening(mine.scorer, scored, now, before)
    verdict = Verdict(
        name=entry.name,
        variant=scored.variant,
        metric=held.metric,
        unit=held.unit,
        better=held.better,
        baseline=held.value,
        value=mine.value.value,
        worsening=gap.value,
        interval=gap.ci,
        tolerance=tolerance,
        p=_p(gap, tolerance),
        holm=None,
        n=len(now),
        lost=len(before) - len(now),
        changed=changed,
        needed=_needed(gap, tolerance, len(now)),
        outcome="inconclusive",
        why="",
    )
    return _bounded(verdict, mine.scorer, scored, now, before) if verdict.lost else verdict


def _worsening(scorer: Scorer, scored: ScoredSet, now: dict[str, Stats], before: dict[str, Stats]) -> Difference:
    """The run against the baseline on the samples of `now`, turned so that positive is worse."""
    ids = list(now)
    sides = np.stack([now[i] for i in ids]), np.stack([before[i] for i in ids])
    a, b = sides if scorer.better == "lower" else sides[::-1]
    return compare(scorer.combine, a, b, [scored.cluster(i) for i in ids], additive=scorer.additive)


def _p(gap: Difference, tolerance: float) -> float | None:
    """p-value of a worsening beyond the tolerance, by Student's t as the 95 % interval is made: both its tails count.

    Where every cluster moved alike there is no standard error, and the randomisation test, which is against no
    difference at all, stands in for it.
    """
    if gap.value is None:
        return None
    if gap.value <= tolerance:
        return 1.0
    if not gap.se or gap.ci is None:
        return gap.chance.p
    from scipy.special import stdtr

    return float(2 * stdtr(gap.ci.n_clusters - 1, (tolerance - gap.value) / gap.se))


def _needed(gap: Difference, tolerance: float, n: int) -> int | None:
    """The samples that would decide, n (half-width / |w - t|)^2; None where no number of samples would.

    That is so where there is no interval, and where w lies on t but for what rounding makes of it.
    """
    if gap.ci is None or gap.value is None:
        return None
    half = (gap.ci.high - gap.ci.low) / 2
    distance = abs(gap.value - tolerance)
    return None if distance <= half * ON_THE_TOLERANCE else math.ceil(n * (half / distance) ** 2)


def _bounded(
    verdict: Verdict, scorer: Scorer, scored: ScoredSet, now: dict[str, Stats], before: dict[str, Stats]
) -> Verdict:
    """Keep a run from passing by losing samples: what it lost is also tried as wholly wrong."""
    try:
        worst = {i: now[i] if i in now else scorer.worst(scored.items[i].sample) for i in before}
    except Exception as fault:  # the boundary around scorers: an end that cannot be had decides nothing
        return msgspec.structs.replace(verdict, why=f"{verdict.lost} lost, whose worst is unknown: {fault}")
    high = _worsening(scorer, scored, worst, before).ci
    if high is None or high.high > verdict.tolerance:
        return msgspec.structs.replace(verdict, why=f"{verdict.lost} samples lost, which could be worse")
    return verdict


def _decided(verdict: Verdict, adjusted: float | None) -> Verdict:
    outcome, why = _outcome(verdict, adjusted)
    needed = verdict.needed if outcome == "inconclusive" and (verdict.needed or 0) > verdict.n else None
    return msgspec.structs.replace(verdict, holm=adjusted, outcome=outcome, why=why, needed=needed)


def _outcome(v: Verdict, adjusted: float | None) -> tuple[Outcome, str]:
    if v.changed == 0 and not v.lost:
        return "pass", "every answer is the same"
    if v.worsening is None:
        return "inconclusive", "the difference is undefined"
    above = v.interval.low > v.tolerance if v.interval else v.worsening > v.tolerance
    if above and adjusted is not None and adjusted < ALPHA:
        return "regress", "worse by more than the tolerance"
    if above:
        return "inconclusive", f"worse, but not beyond chance among so many metrics (Holm {p_value(adjusted)})"
    if v.interval is not None and v.interval.high <= v.tolerance and v.tolerance > 0:
        return ("inconclusive", v.why) if v.why else ("pass", "not worse by more than the tolerance")
    if v.interval is None:
        return "inconclusive", "no interval can be given: nothing varies between clusters, or there is one only"
    return (
        "inconclusive",
        "the interval holds the tolerance" if v.tolerance else "with tolerance 0 only equal answers pass",
    )


def _notes(run: ScoredRun, baseline: Baseline, pairs: Sequence[Gated]) -> Iterator[str]:
    if run.card.name != baseline.model:
        yield f"the run is of {run.card.name}, the baseline of {baseline.model}"
    elif run.card.fingerprint != baseline.fingerprint:
        yield "the model's weights, template or dtype changed since the baseline was made"
    if any(UNKNOWN in (m.asked, m.system) for entry, _, index in pairs for m in [entry.metrics[index]]):
        yield "how the answers came about is not known on both sides"
    if run.state.errors:
        yield f"{run.state.errors} requests of the run failed"
    names = {entry.name for entry, _, _ in pairs}
    more = dict.fromkeys(s.name for s in run.sets if s.name not in names)
    if more:
        yield f"not in the baseline, so not judged: {', '.join(more)}"
