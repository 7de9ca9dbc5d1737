"""A number of a diagnosis with its interval, or the reason why there is none."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from salmonn_eval.records import Interval
from salmonn_eval.scorers.ratio import each_once, ratio
from salmonn_eval.stats.intervals import interval
from salmonn_eval.stats.members import Array

Clusters = Sequence[tuple[str, ...]]


class Estimate(Struct, frozen=True):
    """`value` with its interval; `why` says why there is no value (None: there is one)."""

    value: float | None = None
    ci: Interval | None = None
    why: str | None = None


def mean(values: Array, clusters: Clusters, *, difference: bool = False) -> Estimate:
    """The mean of item values [n] in [0, 1], NaN left out, its interval over clusters: Wilson where all are 0 or 1.

    A `difference` lies in [-1, 1] and is no proportion, whatever its values.
    """
    kept = ~np.isnan(values)
    if not kept.any():
        return Estimate(why="no item is scored")
    names = [name for name, keep in zip(clusters, kept, strict=True) if keep]
    binary = not difference and bool(np.isin(values[kept], (0.0, 1.0)).all())
    lowest = -1.0 if difference else 0.0
    found = interval(ratio, each_once(values[kept]), names, proportion=binary, lowest=lowest, highest=1.0)
    return Estimate(float(values[kept].mean()), found)
