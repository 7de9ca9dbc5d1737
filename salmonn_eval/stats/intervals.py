"""The 95 % interval of a metric: which method, and when there is none."""

import math
from collections.abc import Sequence

import numpy as np

from salmonn_eval.records import Interval, IntervalMethod
from salmonn_eval.stats.bootstrap import DRAWS, SEED, bca_interval, bootstrap_values, percentile_interval
from salmonn_eval.stats.jackknife import jackknife_se, jackknife_values, t_quantile
from salmonn_eval.stats.members import Array, Combine, Members, members
from salmonn_eval.stats.wilson import clustered_wilson

FEW = 40
"""Below this many clusters the percentile bootstrap is too narrow and the jackknife is used."""


def interval(
    combine: Combine,
    stats: Array,
    clusters: Sequence[tuple[str, ...]],
    *,
    proportion: bool = False,
    additive: bool = True,
    seed: int = SEED,
    lowest: float = 0.0,
    highest: float = math.inf,
    method: IntervalMethod = "standard",
) -> Interval | None:
    """The 95 % interval of `combine(stats, 1)` with `clusters` as what varies; None where none can be given.

    `stats` is [n, K]; `clusters` names each item's cluster (two names: a pair of speakers). Proportions
    (K = 2: successes, trials; a value in fractions) get Wilson's interval with a design effect; other metrics the
    percentile bootstrap over 40 clusters or more, the jackknife with t(G - 1) over fewer. There is no interval for a
    single cluster, nor one of zero width. Ends beyond `lowest` or `highest`, what the metric can be, are moved there.
    `method: bca` gives metrics that are no proportions the bias-corrected and accelerated bootstrap, however many
    clusters there are.
    """
    who = members(clusters)
    if who.size < 2:
        return None
    if proportion:
        return _proportion(stats, who)
    if method == "bca":
        found = _bca(combine, stats, who, additive, seed)
    elif who.size >= FEW:
        found = _bootstrap(combine, stats, who, additive, seed)
    else:
        found = _jackknife(combine, stats, who, additive)
    if found is None or not found.high > found.low:
        return None
    ends = max(found.low, lowest), min(found.high, highest)
    return Interval(*ends, found.method, found.n_clusters, found.caution)


def _proportion(stats: Array, who: Members) -> Interval | None:
    ends = clustered_wilson(stats, who)
    size = who.holding(stats[:, 1] > 0).size
    return ends and Interval(*ends, "wilson, design effect, t", size, _few(size))


def _bootstrap(combine: Combine, stats: Array, who: Members, additive: bool, seed: int) -> Interval | None:
    values = bootstrap_values(combine, stats, who, additive=additive, seed=seed)
    defined = values[~np.isnan(values)]
    if len(defined) < DRAWS // 2:
        return None
    lost = DRAWS - len(defined)
    caution = f"undefined in {lost} of {DRAWS} draws, which are left out" if lost else None
    return Interval(*percentile_interval(defined), f"cluster bootstrap, {DRAWS} draws", who.size, caution)


def _bca(combine: Combine, stats: Array, who: Members, additive: bool, seed: int) -> Interval | None:
    values = bootstrap_values(combine, stats, who, additive=additive, seed=seed)
    left_out = jackknife_values(combine, stats, who, additive=additive)
    point = float(combine(stats, np.ones(len(stats))))
    if np.isnan(values).any() or np.isnan(left_out).any():
        return None
    ends = bca_interval(values, point, left_out)
    return ends and Interval(*ends, f"cluster bootstrap, BCa, {DRAWS} draws", who.size, _few(who.size))


def _jackknife(combine: Combine, stats: Array, who: Members, additive: bool) -> Interval | None:
    value = float(combine(stats, np.ones(len(stats))))
    left_out = jackknife_values(combine, stats, who, additive=additive)
    if np.isnan(value) or np.isnan(left_out).any():
        return None
    half = t_quantile(who.size - 1) * jackknife_se(left_out)
    return Interval(value - half, value + half, "cluster jackknife, t", who.size, _few(who.size))


def _few(size: int) -> str | None:
    return f"only {size} clusters: the interval may be too narrow" if size < FEW else None
