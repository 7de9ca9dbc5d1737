"""Who belongs to which cluster, as integers: the form every interval works on."""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Array = NDArray[np.float64]
Combine = Callable[[Array, Array], Array]
"""Value [...] from statistics [n, K] and weights [..., n]; NaN where undefined."""


class Members(Struct, frozen=True, eq=False):
    """The clusters of n items. `first` and `second` [n] index the `size` clusters and are equal for one-way items.

    A two-member item (a trial of two speakers, a mixture of two) belongs to both of its clusters.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    size: int

    def weights(self, counts: Array) -> Array:
        """Item weights [..., n] from how often each cluster was drawn [..., size].

        An item of two clusters weighs the product of their counts; one whose two members are the same cluster is drawn
        with it once.
        """
        pairs = self.first != self.second
        if not pairs.any() and np.array_equal(self.first, np.arange(self.size)):
            return counts
        weights: Array = counts[..., self.first]
        weights[..., pairs] *= counts[..., self.second[pairs]]
        return weights

    def holding(self, rows: NDArray[np.bool_]) -> "Members":
        """The members of the chosen rows only; clusters left without an item are gone."""
        both = np.stack([self.first[rows], self.second[rows]])
        kept, index = np.unique(both, return_inverse=True)
        index = index.reshape(both.shape)
        return Members(index[0], index[1], len(kept))


def members(clusters: Sequence[tuple[str, ...]]) -> Members:
    """Number the clusters in order of first appearance; an item without a cluster is its own.

    Raises ValueError for an item of more than two clusters.
    """
    numbers: dict[tuple[str, str | int], int] = {}
    pairs = np.empty((2, len(clusters)), dtype=np.int64)
    for row, names in enumerate(clusters):
        if len(names) > 2:
            raise ValueError(f"item {row} has {len(names)} clusters {names!r}; expected one, or two for a pair")
        keys: list[tuple[str, str | int]] = [("cluster", name) for name in names] or [("item", row)]
        for side in (0, 1):
            pairs[side, row] = numbers.setdefault(keys[side % len(keys)], len(numbers))
    return Members(pairs[0], pairs[1], len(numbers))


def summed(stats: Array, who: Members) -> tuple[Array, Members]:
    """Statistics of additive metrics summed over items of the same cluster (or pair of clusters): [m, K] and theirs."""
    low, high = np.minimum(who.first, who.second), np.maximum(who.first, who.second)
    groups, index = np.unique(low * who.size + high, return_inverse=True)
    sums: Array = np.stack([np.bincount(index, column, len(groups)).astype(np.float64) for column in stats.T], axis=1)
    return sums, Members(groups // who.size, groups % who.size, who.size)
