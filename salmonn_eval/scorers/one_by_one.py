"""Metrics that look at one answer at a time."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from salmonn_eval.records import Measure
from salmonn_eval.scorers.base import Answer, Scorer


class OneByOne(Scorer):
    """A metric whose measure of an answer depends on no other answer."""

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """One Measure per answer, each on its own."""
        return map(self.measure_one, answers)

    @abstractmethod
    def measure_one(self, answer: Answer) -> Measure:
        """The Measure of one answer."""
