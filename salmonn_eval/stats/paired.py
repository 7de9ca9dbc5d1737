"""Two systems on the same items: how large the difference is, and whether it could be chance."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from salmonn_eval.records import Interval
from salmonn_eval.stats.bootstrap import SEED, bootstrap_values
from salmonn_eval.stats.intervals import FEW, interval
from salmonn_eval.stats.jackknife import jackknife_se, jackknife_values
from salmonn_eval.stats.members import Array, Combine, Members, members
from salmonn_eval.stats.randomisation import Randomisation, randomise

POWER = 2.8
"""Standard errors of the smallest difference that a two-sided test at 5 % finds four times in five: 1.96 + 0.84."""


class Difference(Struct, frozen=True):
    """`value` is A - B in the metric's unit; None wherever something is undefined or cannot be told.

    `chance` holds the two-sided p-value; `detectable` is the smallest true difference that such data would be likely to
    show, 2.8 standard errors.
    """

    value: float | None
    ci: Interval | None
    chance: Randomisation
    se: float | None
    detectable: float | None


def compare(
    combine: Combine,
    a: Array,
    b: Array,
    clusters: Sequence[tuple[str, ...]],
    *,
    additive: bool = True,
    seed: int = SEED,
) -> Difference:
    """Compare statistics `a` and `b` [n, K] of two systems on the same items, whose clusters are `clusters`.

    The interval resamples clusters and draws the same ones for both systems: the percentile bootstrap over 40 clusters
    or more, the jackknife over fewer.
    """
    both = np.hstack([a, b])

    def gap(stats: Array, weights: Array) -> Array:
        half = stats.shape[1] // 2
        return combine(stats[:, :half], weights) - combine(stats[:, half:], weights)

    who = members(clusters)
    se = _standard_error(gap, both, who, additive, seed)
    return Difference(
        value=_known(float(gap(both, np.ones(len(both))))),
        ci=interval(gap, both, clusters, additive=additive, seed=seed, lowest=-np.inf),
        chance=randomise(combine, a, b, clusters, additive=additive, seed=seed),
        se=se,
        detectable=None if se is None else POWER * se,
    )


def _standard_error(gap: Combine, both: Array, who: Members, additive: bool, seed: int) -> float | None:
    if who.size < 2:
        return None
    if who.size < FEW:
        return _known(jackknife_se(jackknife_values(gap, both, who, additive=additive)))
    values = bootstrap_values(gap, both, who, additive=additive, seed=seed)
    defined = values[~np.isnan(values)]
    return _known(float(defined.std(ddof=1))) if len(defined) > len(values) // 2 else None


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
