"""The order in which requests are answered."""

from collections.abc import Iterable, Iterator
from itertools import islice

from salmonn_eval.engine.plan import PlanRow

WINDOW = 256


def by_cost(rows: Iterable[PlanRow], window: int = WINDOW) -> Iterator[PlanRow]:
    """Sort by expected cost, longest audio first, inside windows: batches of like length in bounded memory.

    Longest first shows a batch that does not fit at the start of a window instead of at its end. Requests on the same
    audio stay neighbours, in plan order, so that it is decoded and encoded once.
    """
    feed = iter(rows)
    while chunk := list(islice(feed, window)):
        yield from sorted(chunk, key=lambda row: -row.seconds)
