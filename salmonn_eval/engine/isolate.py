"""The boundary that turns a fault into an error value: one bad item costs itself alone, never its batch or its run."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Isolation(Generic[Item, Result]):
    """Run a streaming worker over items so that exactly one result comes out per item.

    `work` may pull several items before it gives a result (batches). When it raises, the items it had pulled and not
    answered are given to it again one at a time, and the one that raises alone gets `failed(item, fault)`; then it goes
    on with the rest, also when it ended before it had pulled everything. `settle` picks from the pending items the
    index that a result answers (None: an answer to nothing that was asked).
    """

    def __init__(
        self,
        work: Callable[[Iterator[Item]], Iterator[Result]],
        failed: Callable[[Item, Exception], Result],
        settle: Callable[[list[Item], Result], int | None],
    ) -> None:
        self._work = work
        self._failed = failed
        self._settle = settle

    def over(self, items: Iterable[Item]) -> Iterator[Result]:
        """Yield one result per item. The source's own exceptions are not caught: only the worker's are."""
        feed = iter(items)
        exhausted = False
        while not exhausted:
            pending: list[Item] = []
            source = _Source(feed, pending)
            fault: Exception = LookupError("it gave no answer")
            try:
                yield from self._settled(self._work(iter(source)), pending)
            except _SourceFault as broken:
                raise broken.fault from None
            except Exception as raised:  # the boundary: whatever a model or a scorer does wrong ends here
                fault = raised
            exhausted = source.exhausted
            if not source.pulled:  # it does not even ask: it is handed the next item, so that every item is tried
                pending.extend(islice(feed, 1))
                exhausted = not pending
            if len(pending) == 1 and source.pulled and not isinstance(fault, _NotAsked):
                yield self._failed(pending[0], fault)
            else:
                for item in pending:
                    yield self._alone(item)

    def _settled(self, results: Iterator[Result], pending: list[Item]) -> Iterator[Result]:
        for result in results:
            index = self._settle(pending, result)
            if index is None:
                raise _NotAsked("it answered something that was not asked, or twice")
            del pending[index]
            yield result

    def _alone(self, item: Item) -> Result:
        pending = [item]
        try:
            for result in self._settled(self._work(iter([item])), pending):
                return result
        except Exception as fault:  # the same boundary, for one item
            return self._failed(item, fault)
        return self._failed(item, LookupError("it gave no answer"))


class _NotAsked(LookupError):
    """A result that answers none of the pending items: no fault of theirs."""


class _SourceFault(Exception):
    """Carries an exception of the items' source past the worker."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__(str(fault))
        self.fault = fault


class _Source(Generic[Item]):
    """Hands items to the worker and remembers which it has pulled."""

    def __init__(self, feed: Iterator[Item], pending: list[Item]) -> None:
        self._feed = feed
        self._pending = pending
        self.pulled = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[Item]:
        while True:
            try:
                item = next(self._feed)
            except StopIteration:
                self.exhausted = True
                return
            except Exception as fault:
                raise _SourceFault(fault) from fault
            self._pending.append(item)
            self.pulled += 1
            yield item
