"""A variance component: what varies between columns (prompts) beyond the noise of the rows (items)."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.records import Interval
from salmonn_eval.stats.bootstrap import SEED
from salmonn_eval.stats.members import Array, members
from salmonn_eval.stats.randomisation import together

TRIALS = 2_000


class Component(Struct, frozen=True):
    """Of values [n, P]: `variance` = (MS columns - MS residual) / n, which chance makes negative where there is none.

    `sd` is its root, 0 for a negative one, in the values' unit, and `ci` its interval from F with `df` degrees of
    freedom; `p` tests for no component. None where nothing differs between columns.
    """

    variance: float
    sd: float
    ci: Interval | None
    f: float | None
    df: tuple[int, int]
    p: float | None


class Worst(Struct, frozen=True):
    """How far the worst column's mean lies below the mean of all: `drop`.

    `expected` and `most` are the mean and the 95th percentile of what it is where columns do not differ, and `p` how
    often it is then as large.
    """

    column: int
    drop: float
    expected: float
    most: float
    p: float


def component(values: Array, clusters: Sequence[tuple[str, ...]]) -> Component:
    """The component of columns of crossed values [n, P], P >= 2, without replication (Searle 1971, ch. 9).

    At least two clusters must have nothing to do with each other.
    Residuals are summed within clusters before they are squared, since items of a cluster err together; where every
    item is its own cluster this is the textbook's residual mean square. The interval is that of F, in which the ratio
    of the mean squares lies.
    """
    from scipy.special import fdtrc, fdtri  # scipy.stats has the same and takes seconds to import

    n, columns = values.shape
    units = together(members(clusters))
    size = int(units.max()) + 1
    df = (columns - 1, (size - 1) * (columns - 1))
    centred = values - values.mean(axis=1, keepdims=True)
    means = centred.mean(axis=0)
    sums = _within(centred - means, units, size)
    between = n * float(np.sum(means**2)) / df[0]
    residual = size / (size - 1) * float(np.sum(sums**2)) / n / df[0]
    if residual <= 1e-15:
        return Component(between / n, float(np.sqrt(between / n)), None, None, df, None)
    f = between / residual
    variance = (between - residual) / n
    low, high = (np.sqrt(max(0.0, residual / n * (f / fdtri(*df, tail) - 1))) for tail in (0.975, 0.025))
    ci = Interval(float(low), float(high), "F of mean squares", size) if high > low else None
    return Component(variance, float(np.sqrt(max(0.0, variance))), ci, f, df, float(fdtrc(*df, f)))


def worst_column(values: Array, clusters: Sequence[tuple[str, ...]], trials: int = TRIALS, seed: int = SEED) -> Worst:
    """The worst column of values [n, P] beside the worst of as many that do not differ.

    Without a difference a cluster's columns may be exchanged among each other; that is done `trials` times.
    """
    units = together(members(clusters))
    sums = _within(values, units, int(units.max()) + 1)
    means = sums.sum(axis=0) / len(values)
    drop = float(means.mean() - means.min())
    generator = np.random.default_rng(seed)
    drops = np.empty(trials)
    for trial in range(trials):
        drawn = generator.permuted(sums, axis=1).sum(axis=0) / len(values)
        drops[trial] = drawn.mean() - drawn.min()
    p = (1 + int(np.sum(drops >= drop - 1e-12))) / (trials + 1)
    return Worst(int(means.argmin()), drop, float(drops.mean()), float(np.quantile(drops, 0.95)), p)


def _within(values: Array, units: NDArray[np.int64], size: int) -> Array:
    """Sums [size, P] of values [n, P] within units."""
    sums = np.zeros((size, values.shape[1]))
    np.add.at(sums, units, values)
    return sums
