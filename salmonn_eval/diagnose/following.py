"""G: how often an answer does what was asked, and does it right; by task and variant."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from salmonn_eval.diagnose.estimate import Estimate, mean
from salmonn_eval.diagnose.graded import GradedSet
from salmonn_eval.diagnose.reading import ReadRun
from salmonn_eval.records import Variant


class FollowingRow(Struct, frozen=True):
    """One test set under one variant.

    `following` is yes / (yes + no). `g` is the mean over graded items of followed times item score, an undetermined
    item counted as not followed; `g_bounds` count all of these as not followed and as followed. `prior` is what G would
    be if every answer belonged to another clip under the same instruction. Counts are of answers.
    """

    task: str
    dataset: str
    level: int
    trained: bool
    variant: Variant
    item_score: str
    n: int
    n_error: int
    n_ungraded: int
    n_undetermined: int
    following: Estimate
    g: Estimate
    g_bounds: tuple[float, float] | None
    prior: float | None


class Following(Struct, frozen=True):
    """`diagnosis/following.json`."""

    rows: tuple[FollowingRow, ...]
    diagnosis: str = "following"
    schema: int = 1


def following(run: ReadRun, sets: Sequence[GradedSet]) -> Following:
    """Following and G of every graded set."""
    return Following(tuple(_row(run, graded) for graded in sets))


def _row(run: ReadRun, graded: GradedSet) -> FollowingRow:
    asked = graded.asked
    task = asked.question.task
    kept = ~np.isnan(graded.own)
    high = np.where(graded.undetermined, graded.own, graded.g)
    prior = graded.followed * graded.prior()
    return FollowingRow(
        task=task.id,
        dataset=asked.question.dataset_id,
        level=task.level,
        trained=run.trained(task.id, task.level),
        variant=asked.variant,
        item_score=task.item_score,
        n=len(graded.own),
        n_error=asked.n_error,
        n_ungraded=int((~kept).sum()),
        n_undetermined=int(graded.undetermined.sum()),
        following=mean(np.where(graded.undetermined, np.nan, graded.followed), graded.clusters),
        g=mean(graded.g, graded.clusters),
        g_bounds=(float(graded.g[kept].mean()), float(high[kept].mean())) if kept.any() else None,
        prior=float(np.nanmean(prior)) if not np.isnan(prior).all() else None,
    )
