"""The over-fitting index, and the scale to recommend: candidate, and proven."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.crossfit import resampled
from salmonn_eval.diagnose.estimate import Estimate
from salmonn_eval.diagnose.graded import GradedSet
from salmonn_eval.diagnose.losses import Loss, loss_at
from salmonn_eval.diagnose.reading import ReadRun
from salmonn_eval.diagnose.sweep import Sweep, sweep_of
from salmonn_eval.records import Interval, Variant
from salmonn_eval.stats.bootstrap import DRAWS, bootstrap_counts, percentile_interval
from salmonn_eval.stats.members import Array, members

MOST_LOSS = 0.10
NOT_DECIDABLE = "not decidable at this n"


class TaskGain(Struct, frozen=True):
    """The part of the index that one untrained task has."""

    task: str
    gain: float


class ScaleRow(Struct, frozen=True):
    """One scale: `g` is the mean over untrained tasks of G less its permuted-audio prior, `g_ci` its interval.

    `largest_loss` and `largest_bound` are over the headline metrics of trained tasks. `allowed`: every loss is small;
    `proven`: so is every upper bound, and those of every scale between it and the default. The frequencies are of
    bootstrap draws in which the scale was the candidate, and the best proven one.
    """

    scale: float
    g: float
    largest_loss: float | None
    largest_bound: float | None
    allowed: bool
    proven: bool
    candidate_frequency: float
    proven_frequency: float
    losses: tuple[Loss, ...]
    g_ci: Interval | None = None


class Overfitting(Struct, frozen=True):
    """`diagnosis/overfitting.json`; with `why` alone where the run is no sweep.

    `index` is the cross-fitted gain of the scale best for untrained tasks over the default one; `chosen` the scales
    that the folds chose. `candidate_gain` is the cross-fitted gain among the allowed scales. `proven` is a scale, or
    `verdict` says why none but the default is.
    """

    why: str | None = None
    default: float | None = None
    variant: Variant | None = None
    index: Estimate | None = None
    chosen: tuple[float, ...] = ()
    by_task: tuple[TaskGain, ...] = ()
    n_left_out: int = 0
    n_units: int = 0
    most_loss: float = MOST_LOSS
    candidate: float | None = None
    candidate_gain: Estimate | None = None
    proven: float | None = None
    verdict: str | None = None
    scales: tuple[ScaleRow, ...] = ()
    diagnosis: str = "overfitting"
    schema: int = 1


def overfitting(run: ReadRun, sets: Sequence[GradedSet], most_loss: float = MOST_LOSS) -> Overfitting:
    """Index and recommended scale of a sweep over LoRA scales; why not, where the run is none."""
    sweep = sweep_of(run, sets)
    if isinstance(sweep, str):
        return Overfitting(why=sweep)
    losses = [
        [loss_at(metric, place, sweep.default) for metric, _ in sweep.trained] for place in range(len(sweep.scales))
    ]
    return recommend(sweep, losses, most_loss)


def recommend(sweep: Sweep, losses: Sequence[Sequence[Loss]], most_loss: float) -> Overfitting:
    """The diagnosis from a sweep and the losses [scales][metrics] of its trained tasks."""
    values, default = sweep.values, sweep.default
    once, draws = np.ones((1, len(values.fold))), resampled(values.fold)
    index, chosen = values.index(once)
    allowed = np.array([all(one.loss <= most_loss for one in row) for row in losses])
    allowed[default] = True
    proven = gatekept([_surely(row, most_loss) for row in losses], default)
    means, drawn = values.means(once), values.means(draws)
    candidate = int(values.best(means, allowed[None])[0])
    best = int(values.best(means, proven[None])[0])
    small, sure = _drawn(sweep, losses, draws, most_loss)
    candidates = values.best(drawn, small)
    bests = values.best(drawn, np.stack([gatekept(row, default) for row in sure]))
    tested = bool(sweep.trained)
    tasks = list(dict.fromkeys(task for task, _ in sweep.names))
    gains = values.by_task(once[0], chosen[0])
    rows = [
        ScaleRow(
            scale=scale,
            g=float(means[0, place]),
            largest_loss=max((one.loss for one in losses[place]), default=None),
            largest_bound=_largest_bound(losses[place]),
            allowed=bool(allowed[place]),
            proven=bool(proven[place]) and place != default and tested,
            candidate_frequency=float(np.mean(candidates == place)),
            proven_frequency=float(np.mean(bests == place)),
            losses=tuple(losses[place]),
            g_ci=_interval(drawn[:, place], len(values.fold)),
        )
        for place, scale in enumerate(sweep.scales)
    ]
    any_proven = any(row.proven for row in rows)
    return Overfitting(
        default=sweep.scales[default],
        variant=sweep.rest,
        index=Estimate(float(index[0]), _interval(values.index(draws)[0], len(values.fold))),
        chosen=tuple(sweep.scales[place] for place in chosen[0]),
        by_task=tuple(TaskGain(task, float(gain)) for task, gain in zip(tasks, gains, strict=True)),
        n_left_out=sweep.left_out,
        n_units=len(values.fold),
        most_loss=most_loss,
        candidate=sweep.scales[candidate],
        candidate_gain=Estimate(
            float(values.index(once, allowed[None])[0][0]),
            _interval(values.index(draws, small)[0], len(values.fold)),
        ),
        proven=sweep.scales[best] if any_proven else None,
        verdict=None if any_proven else NOT_DECIDABLE if tested else "no trained task was asked: nothing to lose on",
        scales=tuple(rows),
    )


def gatekept(sure: Sequence[bool], default: int) -> NDArray[np.bool_]:
    """Which scales are proven [scales]: walking away from the default the first that is not sure ends the walk.

    So testing several scales makes a wrong one no likelier than testing one.
    """
    found = np.array(sure, dtype=np.bool_)
    found[default] = True
    for step in (range(default - 1, -1, -1), range(default + 1, len(found))):
        holds = True
        for place in step:
            holds = holds and bool(found[place])
            found[place] = holds
    return found


def _surely(losses: Sequence[Loss], most: float) -> bool:
    return all(one.bound is not None and one.bound <= most for one in losses)


def _largest_bound(losses: Sequence[Loss]) -> float | None:
    bounds = [one.bound for one in losses]
    return None if not bounds or None in bounds else max(bound for bound in bounds if bound is not None)


def _drawn(
    sweep: Sweep, losses: Sequence[Sequence[Loss]], draws: Array, most: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which scales are allowed, and which surely so, in each draw [draws, scales]; a bound keeps its margin.

    Trained items on clips of the untrained sets are drawn with them, other sets by their own clusters.
    """
    small = np.ones((len(draws), len(sweep.scales)), dtype=np.bool_)
    sure = small.copy()
    for number, (metric, unit) in enumerate(sweep.trained):
        if (unit >= 0).all():
            weights = draws[:, unit]
        else:
            who = members(metric.clusters)
            weights = who.weights(np.concatenate(list(bootstrap_counts(who, len(draws), 1 + number))))
        found = metric.losses(sweep.default, weights)
        bounds = [row[number].bound for row in losses]
        margins = np.array(
            [np.inf if bound is None else bound - row[number].loss for bound, row in zip(bounds, losses, strict=True)]
        )
        with np.errstate(invalid="ignore"):
            small &= found <= most
            sure &= found + margins <= most
    small[:, sweep.default] = True
    return small, sure


def _interval(draws: Array, size: int) -> Interval | None:
    low, high = percentile_interval(draws)
    return Interval(low, high, f"bootstrap within folds, {DRAWS} draws", size) if high > low else None
