"""Whatever a worker does wrong, exactly one result per item comes out."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salmonn_eval.engine.isolate import Isolation

Result = tuple[int, str]


class Worker:
    """Batches, and misbehaves at chosen items: raises, forgets, answers twice, ends early, or invents an item."""

    def __init__(self, batch: int, bad: dict[int, str], backwards: bool) -> None:
        self._batch, self._bad, self._backwards = batch, bad, backwards

    def __call__(self, items: Iterator[int]) -> Iterator[Result]:
        held: list[int] = []
        for item in items:
            held.append(item)
            if len(held) == self._batch or self._bad.get(item) == "ends":
                yield from self._answers(held)
                held = []
            if self._bad.get(item) == "ends":
                return
        yield from self._answers(held)

    def _answers(self, held: list[int]) -> Iterator[Result]:
        for item in reversed(held) if self._backwards else held:
            match self._bad.get(item):
                case "raises":
                    raise ValueError(item)
                case "forgets":
                    continue
                case "doubles":
                    yield item, "answered"
                case "invents":
                    yield item + 1_000, "answered"
            yield item, "answered"


def failed(item: int, fault: Exception) -> Result:
    return item, f"failed: {fault}"


def by_item(pending: list[int], result: Result) -> int | None:
    return pending.index(result[0]) if result[0] in pending else None


def oldest(pending: list[int], result: Result) -> int | None:
    return 0 if pending else None


FAULTS = st.sampled_from(["raises", "forgets", "doubles", "invents", "ends"])


@settings(max_examples=300, deadline=None)
@given(
    n=st.integers(0, 25),
    batch=st.integers(1, 6),
    bad=st.dictionaries(st.integers(0, 24), FAULTS, max_size=8),
    backwards=st.booleans(),
)
def test_one_result_per_item_and_only_the_guilty_fail(n: int, batch: int, bad: dict[int, str], backwards: bool) -> None:
    results = list(Isolation(Worker(batch, bad, backwards), failed, by_item).over(range(n)))
    assert sorted(item for item, _ in results) == list(range(n))
    for item, what in results:
        guilty = bad.get(item) in ("raises", "forgets", "invents")
        assert what.startswith("failed") is guilty, (item, what)


@settings(max_examples=200, deadline=None)
@given(n=st.integers(0, 25), batch=st.integers(1, 6), raising=st.sets(st.integers(0, 24), max_size=6))
def test_a_worker_that_answers_in_order_keeps_its_order(n: int, batch: int, raising: set[int]) -> None:
    bad = dict.fromkeys(raising, "raises")
    results = list(Isolation(Worker(batch, bad, False), failed, oldest).over(range(n)))
    assert [item for item, _ in results] == list(range(n))
    assert {item for item, what in results if what != "answered"} == {item for item in raising if item < n}


def test_a_worker_that_raises_before_asking_fails_every_item_with_its_reason() -> None:
    def work(items: Iterator[int]) -> Iterator[Result]:
        raise RuntimeError("no weights")

    assert list(Isolation(work, failed, by_item).over(range(3))) == [(n, "failed: no weights") for n in range(3)]


def test_a_worker_that_raises_after_its_last_answer_costs_nothing() -> None:
    def work(items: Iterator[int]) -> Iterator[Result]:
        for item in items:
            yield item, "answered"
        raise RuntimeError("while closing")

    assert list(Isolation(work, failed, by_item).over(range(3))) == [(n, "answered") for n in range(3)]


def test_a_fault_of_the_items_own_source_is_not_swallowed() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the plan is gone")

    results = Isolation(Worker(1, {}, False), failed, by_item).over(items())
    assert next(results) == (1, "answered")
    with pytest.raises(OSError, match="the plan is gone"):
        next(results)


def test_items_are_pulled_only_as_the_worker_asks() -> None:
    pulled: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1_000):
            pulled.append(item)
            yield item

    results = Isolation(Worker(4, {}, False), failed, by_item).over(items())
    next(results)
    assert len(pulled) == 4
