"""The best one-to-one assignment."""

from collections.abc import Sequence


def cheapest_pairs(costs: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """(row, column) pairs of the one-to-one assignment with the smallest sum of costs [rows, columns].

    As many pairs as the shorter side has; empty where a side is empty.
    """
    if not costs or not costs[0]:
        return []
    if len(costs) == len(costs[0]) == 1:  # nothing to choose, and scipy takes long to load
        return [(0, 0)]
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
