"""Approximate randomisation: would the difference be as large if the two systems' answers were exchanged at random?"""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.stats.bootstrap import SEED
from salmonn_eval.stats.members import Array, Combine, Members, members, summed

TRIALS = 10_000
EXACT = 13
"""Up to this many units all 2^units exchanges are tried."""
_CELLS = 2_000_000  # weights held at once


class Randomisation(Struct, frozen=True):
    """`p` is two-sided, from `trials` exchanges of `units` independent units; None where there are fewer than two.

    `exact`: every possible exchange was tried once, the one that leaves all in place among them.
    """

    p: float | None
    units: int
    trials: int
    exact: bool


def randomise(
    combine: Combine,
    a: Array,
    b: Array,
    clusters: Sequence[tuple[str, ...]],
    *,
    additive: bool = True,
    trials: int = TRIALS,
    seed: int = SEED,
) -> Randomisation:
    """Test statistics `a` and `b` [n, K] of two systems on the same items for a difference (Noreen 1989).

    Whole clusters are exchanged: exchanging single items would find differences that are not there. Items of two
    clusters go together with all that share a cluster with them; trials whose speakers are all linked are one unit,
    and have no p-value.
    """
    units = together(members(clusters))
    size = int(units.max()) + 1 if len(units) else 0
    exact = size <= EXACT
    observed = abs(float(combine(a, np.ones(len(a))) - combine(b, np.ones(len(b)))))
    if size < 2 or np.isnan(observed):
        return Randomisation(None, size, 0, exact)
    if additive:
        whole = Members(units, units, size)
        (a, grouped), (b, _) = summed(a, whole), summed(b, whole)
        units = grouped.first
    both = np.vstack([a, b])
    extreme = tried = 0
    for exchanged in _exchanges(units, size, trials, seed):
        kept = 1.0 - exchanged
        gaps = np.abs(combine(both, np.hstack([kept, exchanged])) - combine(both, np.hstack([exchanged, kept])))
        extreme += int(np.sum(gaps >= observed - 1e-9 * max(1.0, observed)))
        tried += len(gaps)
    return Randomisation(extreme / tried if exact else (1 + extreme) / (1 + tried), size, tried, exact)


def together(who: Members) -> NDArray[np.int64]:
    """The unit [n] that each item is exchanged with: its cluster, or all clusters that two-way items link to it."""
    root = np.arange(who.size)
    changed = True
    while changed:  # the smallest number spreads along the pairs until none changes
        low = np.minimum(root[who.first], root[who.second])
        spread = root.copy()
        np.minimum.at(spread, who.first, low)
        np.minimum.at(spread, who.second, low)
        spread = spread[spread]
        changed = not np.array_equal(spread, root)
        root = spread
    return np.unique(root[who.first], return_inverse=True)[1].astype(np.int64)


def _exchanges(units: NDArray[np.int64], size: int, trials: int, seed: int) -> Iterator[Array]:
    """Chunks [rows, n] of exchanges: 1 where an item changes sides. The chunking does not change them."""
    total = 2**size if size <= EXACT else trials
    rows = max(1, _CELLS // (2 * max(size, len(units))))
    generator = np.random.default_rng(seed)
    for start in range(0, total, rows):
        numbers = np.arange(start, min(start + rows, total))
        if size <= EXACT:
            pattern = numbers[:, None] >> np.arange(size) & 1
        else:
            pattern = generator.integers(0, 2, size=(len(numbers), size))
        yield pattern[:, units].astype(np.float64)
