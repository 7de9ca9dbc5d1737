"""Wilson's interval for a proportion whose items come in clusters."""

import numpy as np

from salmonn_eval.stats.jackknife import jackknife_se, jackknife_values, t_quantile
from salmonn_eval.stats.members import Array, Members


def wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval of a share of n independent trials (Wilson 1927, JASA 22)."""
    square = quantile**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * np.sqrt(share * (1 - share) / n + square / (4 * n**2))
    # rounding must not push an end past the share itself
    return min(float(centre - half), share), max(float(centre + half), share)


def clustered_wilson(stats: Array, who: Members, tail: float = 0.975) -> tuple[float, float] | None:
    """Interval of successes / trials from statistics [n, 2] = (successes, trials).

    The design effect is the jackknife variance over clusters against that of independent trials, never below 1;
    n_eff = trials / effect, the quantile is t(G - 1) at `tail` (several intervals that shall hold at once need more).
    A share of 0 or 1 has no variance to judge by: n_eff = G.
    None with fewer than two clusters that hold a trial.
    """
    who = who.holding(stats[:, 1] > 0)
    stats = stats[stats[:, 1] > 0]
    if who.size < 2:
        return None
    successes, trials = stats.sum(axis=0)
    share = float(successes / trials)
    if share in (0.0, 1.0):
        return wilson(share, who.size, t_quantile(who.size - 1, tail))
    return wilson(share, float(trials) / design_effect(stats, who), t_quantile(who.size - 1, tail))


def design_effect(stats: Array, who: Members) -> float:
    """How many times larger the variance over clusters is than that of as many independent trials; at least 1."""
    successes, trials = stats.sum(axis=0)
    share = successes / trials
    left_out = jackknife_values(_share, stats, who, additive=True)
    if np.isnan(left_out).any():  # one cluster is in every item: as good as one observation a cluster
        return float(max(1.0, trials / who.size))
    independent = share * (1 - share) / max(trials - 1, 1)
    return float(max(1.0, jackknife_se(left_out) ** 2 / independent))


def _share(stats: Array, weights: Array) -> Array:
    sums = weights @ stats
    with np.errstate(invalid="ignore"):
        share: Array = sums[..., 0] / sums[..., 1]
    return share
