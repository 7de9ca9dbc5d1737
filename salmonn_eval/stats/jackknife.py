"""Delete-one-cluster jackknife: for test sets with too few clusters to resample."""

import numpy as np

from salmonn_eval.stats.members import Array, Combine, Members, summed


def jackknife_values(combine: Combine, stats: Array, who: Members, *, additive: bool) -> Array:
    """The metric [size] with each cluster left out in turn; a two-way item goes with either of its two clusters."""
    if additive:
        stats, who = summed(stats, who)
    kept = 1.0 - np.eye(who.size)
    return combine(stats, who.weights(kept))


def jackknife_se(values: Array) -> float:
    """Standard error from leave-one-out values [G]: sqrt((G - 1) / G * sum of squared deviations from their mean)."""
    size = len(values)
    return float(np.sqrt((size - 1) / size * np.sum((values - values.mean()) ** 2)))


def t_quantile(degrees: int, tail: float = 0.975) -> float:
    """A quantile of Student's t: 97.5 % unless another is asked for."""
    from scipy.special import stdtrit  # scipy.stats has the same quantile and takes seconds to import

    return float(stdtrit(degrees, tail))
