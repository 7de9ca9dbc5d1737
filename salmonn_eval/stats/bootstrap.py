"""Bootstrap that resamples clusters: percentile and BCa intervals."""

from collections.abc import Iterator

import numpy as np

from salmonn_eval.stats.members import Array, Combine, Members, summed

DRAWS = 1_000
SEED = 12_345
_CELLS = 400_000  # weights held at once: what a processor's cache holds


def bootstrap_values(
    combine: Combine, stats: Array, who: Members, *, additive: bool, draws: int = DRAWS, seed: int = SEED
) -> Array:
    """The metric [draws] in resampled sets of clusters; NaN where a draw leaves it undefined.

    As many clusters as there are, are drawn with replacement; with two-way items the clusters (speakers) are drawn once
    and an item weighs the product of its two counts. Additive statistics are first summed within clusters.
    """
    if additive:
        stats, who = summed(stats, who)
    return np.concatenate([combine(stats, who.weights(counts)) for counts in bootstrap_counts(who, draws, seed)])


def bootstrap_counts(who: Members, draws: int, seed: int) -> Iterator[Array]:
    """How often each cluster is drawn [chunk, size], chunk by chunk; the chunking does not change the draws."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _CELLS // max(who.size, len(who.first), 1))
    for start in range(0, draws, chunk):
        rows = min(chunk, draws - start)
        drawn = generator.integers(0, who.size, size=(rows, who.size))
        drawn += (np.arange(rows) * who.size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * who.size)
        yield counts.reshape(rows, who.size).astype(np.float64)


def percentile_interval(values: Array) -> tuple[float, float]:
    """The 2.5 and 97.5 percentiles (linear interpolation)."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def bca_interval(values: Array, point: float, left_out: Array) -> tuple[float, float] | None:
    """The bias-corrected and accelerated 95 % interval (Efron 1987); None where it is not defined.

    `values` are the bootstrap's, `point` the metric itself, `left_out` [G] the jackknife's. The bias is the share of
    draws below the point, those equal to it counted half, the acceleration the skewness of the jackknife values.
    """
    from scipy.special import ndtr, ndtri

    below = float(np.mean(values < point) + 0.5 * np.mean(values == point))
    gaps = left_out.mean() - left_out
    spread = float(np.sum(gaps**2))
    if not 0 < below < 1 or spread == 0:
        return None
    bias = float(ndtri(below))
    acceleration = float(np.sum(gaps**3)) / (6 * spread**1.5)
    tails = bias + ndtri(np.array([0.025, 0.975]))
    shares = ndtr(bias + tails / (1 - acceleration * tails))
    low, high = np.percentile(values, 100 * shares)
    return float(low), float(high)
