"""H: does an answer depend on what was heard? Answers are exchanged between clips under one fixed prompt."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.estimate import Estimate
from salmonn_eval.diagnose.graded import FEWEST_CLIPS, GradedSet
from salmonn_eval.records import Interval, Variant
from salmonn_eval.stats.bootstrap import SEED
from salmonn_eval.stats.decisions import holm
from salmonn_eval.stats.jackknife import jackknife_se, t_quantile
from salmonn_eval.stats.members import Array, Members, members

PERMUTATIONS = 9_999
LEAST_ROOM = 0.05
"""What a perfect answer must score above an exchanged one, in item scores, for H to mean something."""


class HearingRow(Struct, frozen=True):
    """One test set under one variant.

    `h` = (real - permuted) / (perfect - permuted), mean item scores of answers to their own clips, to other clips under
    the same rendered instruction, and of perfect answers. `p` is one-sided, from 9,999 uniform permutations; `holm` is
    adjusted over the test sets of the variant. `n` of `n_sampled` answers could be exchanged.
    """

    task: str
    dataset: str
    variant: Variant
    n: int
    n_sampled: int
    real: float | None
    permuted: float | None
    perfect: float | None
    h: Estimate
    p: float | None
    holm: float | None = None


class Hearing(Struct, frozen=True):
    """`diagnosis/hearing.json`."""

    rows: tuple[HearingRow, ...]
    diagnosis: str = "hearing"
    schema: int = 1


def hearing(sets: Sequence[GradedSet]) -> Hearing:
    """H of every graded set, with p-values adjusted within each variant."""
    rows = [_row(graded) for graded in sets]
    for variant in {row.variant for row in rows}:
        places = [place for place, row in enumerate(rows) if row.variant == variant and row.p is not None]
        for place, adjusted in zip(places, holm([rows[place].p or 0.0 for place in places]), strict=True):
            rows[place] = msgspec.structs.replace(rows[place], holm=adjusted)
    return Hearing(tuple(rows))


def _row(graded: GradedSet) -> HearingRow:
    asked = graded.asked
    head = (asked.question.task.id, asked.question.dataset_id, asked.variant)
    square, mask = graded.right[graded.against], graded.swapped()[graded.against]
    kept = np.flatnonzero(mask.any(axis=1) & ~np.isnan(np.diag(square)) & ~np.isnan(graded.perfect[graded.against]))
    square, mask = square[np.ix_(kept, kept)], mask[np.ix_(kept, kept)]
    rows = graded.against[kept]
    if 2 * len(kept) < len(graded.against) or len(kept) < FEWEST_CLIPS:
        why = f"fewer than half of the answers stand under an instruction that {FEWEST_CLIPS} clips were asked"
        return HearingRow(*head, len(kept), len(graded.against), None, None, None, Estimate(why=why), None)
    real, permuted = _means(square, mask, np.ones((1, len(kept))))
    perfect = float(graded.perfect[rows].mean())
    if perfect - permuted[0] < LEAST_ROOM:
        why = f"a perfect answer scores less than {LEAST_ROOM} above an exchanged one"
        h, p = Estimate(why=why), None
    else:
        h = _estimate(square, mask, graded.perfect[rows], members([graded.clusters[row] for row in rows]))
        p = permutation_p(square, graded.strata[rows])
    return HearingRow(*head, len(kept), len(graded.against), float(real[0]), float(permuted[0]), perfect, h, p)


def _means(square: Array, mask: Array, weights: Array) -> tuple[Array, Array]:
    """Mean scores [...] of own and of exchanged answers, items weighing `weights` [..., m]."""
    total = weights.sum(axis=-1)
    own = weights @ np.diag(square) / total
    partners = weights @ mask.T
    sums = weights @ (np.nan_to_num(square) * mask).T
    swapped = np.divide(sums, partners, out=np.zeros_like(sums), where=partners > 0)
    shared: Array = (weights * swapped).sum(axis=-1) / np.maximum((weights * (partners > 0)).sum(axis=-1), 1e-300)
    return own, shared


def _estimate(square: Array, mask: Array, perfect: Array, who: Members) -> Estimate:
    """H with the jackknife's interval over clusters, which suits a statistic of pairs."""

    def h(weights: Array) -> Array:
        own, swapped = _means(square, mask, weights)
        found: Array = (own - swapped) / (weights @ perfect / weights.sum(axis=-1) - swapped)
        return found

    value = float(h(np.ones((1, len(square))))[0])
    if who.size < 2:
        return Estimate(value)
    left_out = h(who.weights(1.0 - np.eye(who.size)))
    half = t_quantile(who.size - 1) * jackknife_se(left_out)
    if not np.isfinite(half) or half == 0:
        return Estimate(value)
    return Estimate(value, Interval(value - half, value + half, "cluster jackknife, t", who.size))


def permutation_p(square: Array, strata: NDArray[np.int64], draws: int = PERMUTATIONS) -> float:
    """P-value (1 + b) / (draws + 1): b permutations within strata whose mean score is at least that of no permutation.

    `square` [m, m] scores answer i against sample j; permutations are uniform, so they may leave answers in place.
    """
    filled = np.nan_to_num(square)
    order = _orders(strata.tobytes(), draws)
    scores = filled[np.arange(len(filled)), order].sum(axis=1)
    real = float(np.trace(filled))
    return (1 + int(np.sum(scores >= real - 1e-9))) / (draws + 1)


@lru_cache(maxsize=8)
def _orders(strata: bytes, draws: int) -> NDArray[np.int64]:
    """Uniform permutations [draws, m] within strata; one table serves every test set with the same ones."""
    numbers = np.frombuffer(strata, dtype=np.int64)
    generator = np.random.default_rng(SEED)
    keys = generator.random((draws, len(numbers))).argsort(axis=1)
    order = np.empty((draws, len(numbers)), dtype=np.int64)
    for one in np.unique(numbers):
        places = np.flatnonzero(numbers == one)
        order[:, places] = keys[np.isin(keys, places)].reshape(draws, len(places))
    return order
