"""Exact McNemar, and Holm's correction for several tests."""

from collections.abc import Sequence

import numpy as np

from salmonn_eval.stats.members import Array


def mcnemar(a: Array, b: Array, clusters: Sequence[tuple[str, ...]]) -> float | None:
    """Two-sided exact p-value for hits `a` and `b` [n] (0 or 1) of two systems on the same items (McNemar 1947).

    Only the items on which they differ count, and they must be independent: None where two items share a cluster, or
    one has two clusters, for which the test would find differences that are not there.
    """
    names = [cluster for cluster in clusters if cluster]
    if any(len(cluster) > 1 for cluster in names) or len(set(names)) < len(names):
        return None
    from scipy.special import bdtr

    only_a, only_b = int(np.sum(a > b)), int(np.sum(b > a))
    if only_a + only_b == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: below alpha means rejected with family-wise error alpha (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
