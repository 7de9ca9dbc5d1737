"""How much of a task's errors comes from answers that performed another task."""

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import Struct

from salmonn_eval.diagnose.confusion import CLASSES
from salmonn_eval.diagnose.estimate import Estimate
from salmonn_eval.diagnose.reading import UNDETERMINED, AnswerSet, ReadRun
from salmonn_eval.engine.scoring import ScoreRow
from salmonn_eval.records import Variant
from salmonn_eval.scorers.rules import AS_ASKED
from salmonn_eval.stats.intervals import interval
from salmonn_eval.stats.members import Array

FEWEST_AS_ASKED = 20
ERROR_METRICS = ("wer", "cer", "per", "osr_wer", "cpwer")
"""Their statistics are (edits, reference units): nothing but errors is counted."""


class Share(Struct, frozen=True):
    """One performed class u: `share` = Σ_u e / Σ e, and `excess` A_u = Σ_u (e - w n) / Σ e with w the as-asked rate.

    `rate_without` is the metric's rate over all other answers (percent). `capped` forms count at most n errors of an
    answer with n reference units; w stays uncapped. Fractions.
    """

    performed: str
    n: int
    rate_without: float | None
    share: float | None
    share_capped: float | None
    excess: Estimate
    excess_capped: Estimate


class ErrorShareRow(Struct, frozen=True):
    """One error metric of one test set under one variant; rates in the metric's unit (percent).

    `rate` is over all scored answers, `rate_as_asked` over those that did what was asked.
    """

    task: str
    dataset: str
    variant: Variant
    metric: str
    signature: str
    n: int
    n_as_asked: int
    rate: float | None
    rate_as_asked: float | None
    shares: tuple[Share, ...]


class ErrorShare(Struct, frozen=True):
    """`diagnosis/error_share.json`: of the metrics that count errors alone (WER, CER, PER and their kin)."""

    rows: tuple[ErrorShareRow, ...]
    diagnosis: str = "error_share"
    schema: int = 1


def error_share(run: ReadRun) -> ErrorShare:
    """Error shares of every error metric, of the performed classes that occur."""
    return ErrorShare(tuple(row for asked in run.sets if asked.answers for row in _rows(asked)))


def _rows(asked: AnswerSet) -> Iterator[ErrorShareRow]:
    for signature, scores in asked.scores.items():
        metric = signature.partition("|")[0]
        if metric in ERROR_METRICS:
            yield _row(asked, metric, signature, scores)


def _row(asked: AnswerSet, metric: str, signature: str, scores: Mapping[str, ScoreRow]) -> ErrorShareRow:
    kept = [a for a in asked.answers if a.sample.id in scores and scores[a.sample.id].status == "scored"]
    counts = np.array([scores[answer.sample.id].stats for answer in kept], dtype=np.float64).reshape(-1, 2)
    edits, units = counts.T
    classes = np.array([answer.performed for answer in kept])
    clusters = [answer.cluster for answer in kept]
    as_asked = classes == AS_ASKED
    why = _why_not(edits, int(as_asked.sum()))
    shares = []
    for name in CLASSES:
        mine = classes == name
        if name in (AS_ASKED, UNDETERMINED) or not mine.any():
            continue
        plain, excess = [], []
        for errors in (edits, np.minimum(edits, units)):
            plain.append(float(errors[mine].sum() / errors.sum()) if errors.sum() else None)
            excess.append(Estimate(why=why) if why else _excess(errors, edits, units, mine, as_asked, clusters))
        without = _rate(edits[~mine], units[~mine])
        shares.append(Share(name, int(mine.sum()), without, plain[0], plain[1], excess[0], excess[1]))
    return ErrorShareRow(
        task=asked.question.task.id,
        dataset=asked.question.dataset_id,
        variant=asked.variant,
        metric=metric,
        signature=signature,
        n=len(kept),
        n_as_asked=int(as_asked.sum()),
        rate=_rate(edits, units),
        rate_as_asked=_rate(edits[as_asked], units[as_asked]),
        shares=tuple(shares),
    )


def _why_not(edits: Array, n_as_asked: int) -> str | None:
    if not edits.sum():
        return "there is no error to share"
    if n_as_asked < FEWEST_AS_ASKED:
        return f"only {n_as_asked} answers are as asked; their error rate needs {FEWEST_AS_ASKED}"
    return None


def _rate(edits: Array, units: Array) -> float | None:
    return float(100 * edits.sum() / units.sum()) if units.sum() else None


def _excess(
    errors: Array, edits: Array, units: Array, mine: Array, as_asked: Array, clusters: list[tuple[str, ...]]
) -> Estimate:
    """A_u with its interval over clusters; the as-asked rate w, of uncapped edits, is made anew in each draw."""
    stats = np.stack([errors * mine, units * mine, errors, edits * as_asked, units * as_asked], axis=1)

    def share(stats: Array, weights: Array) -> Array:
        theirs, their_units, all_errors, right, right_units = np.moveaxis(weights @ stats, -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = (theirs - right / right_units * their_units) / all_errors
        return np.where(np.isfinite(found), found, np.nan)

    value = float(share(stats, np.ones(len(stats))))
    return Estimate(value, interval(share, stats, clusters, lowest=-np.inf, highest=1.0))
