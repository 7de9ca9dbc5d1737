"""The first half of a run: ask the model whatever has no answer yet, and store the answers as they come."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from salmonn_eval.engine.events import EventLog
from salmonn_eval.engine.executor import Executor
from salmonn_eval.engine.keys import shard_of
from salmonn_eval.engine.order import by_cost
from salmonn_eval.engine.plan import PlanRow, read_plan
from salmonn_eval.engine.rundir import RunDirectory, Speed
from salmonn_eval.engine.spec import RunOptions, Shard
from salmonn_eval.engine.store import AnswerIndex, PredictionWriter
from salmonn_eval.errors import IncompleteError
from salmonn_eval.records import Prediction, Request

FAILED_FROM_START = 20


class Progress(Protocol):
    """What a run tells whoever watches."""

    def begin(self, what: str, total: int, done: int) -> None:
        """A phase starts: `done` of `total` stand already."""
        ...

    def advance(self, prediction: Prediction, request: Request) -> None:
        """One more answer."""
        ...


class Silent:
    """A Progress that says nothing."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Ignore."""

    def advance(self, prediction: Prediction, request: Request) -> None:
        """Ignore."""


class Backlog(Struct, frozen=True):
    """What is left to ask: requests without a success, per question and in all."""

    per_question: dict[str, int]
    planned: int

    @property
    def open(self) -> int:
        """How many requests are to be asked."""
        return sum(self.per_question.values())


def own_rows(run: RunDirectory, shard: Shard | None) -> Iterator[PlanRow]:
    """The plan's rows that this process answers."""
    for row in read_plan(run):
        if shard is None or shard_of(row.request, shard.count) == shard.index:
            yield row


class Predictor:
    """Answers the open part of a run's plan. `finished` is called with a question's name when its last answer is in."""

    def __init__(
        self, run: RunDirectory, options: RunOptions, progress: Progress, finished: Callable[[str], None]
    ) -> None:
        self._run = run
        self._options = options
        self._progress = progress
        self._finished = finished
        self._events = EventLog(run.events)
        self._answered = self._read_answers()

    def backlog(self) -> Backlog:
        """Count what is open; one pass over the plan."""
        open_: dict[str, int] = {}
        planned = 0
        for row in own_rows(self._run, self._options.shard):
            planned += 1
            open_[row.name] = open_.get(row.name, 0) + (row.request.key not in self._answered)
        return Backlog(open_, planned)

    def predict(self, executor: Executor, backlog: Backlog, stop: threading.Event) -> Speed:
        """Ask, store, report; ends early when `stop` is set. Raises IncompleteError when going on makes no sense."""
        left = dict(backlog.per_question)
        asked: dict[str, PlanRow] = {}
        tally = _Tally(self._options.fail_fast, from_start=backlog.open == backlog.planned)
        writer = PredictionWriter(self._run, self._options.shard)
        started = time.monotonic()
        self._progress.begin("answering", backlog.planned, backlog.planned - backlog.open)
        try:
            for prediction in executor.answer(self._requests(asked), stop):
                row = asked.pop(prediction.key)
                writer.append(row.name, prediction)
                self._remember(row.request, prediction)
                tally.add(row, prediction)
                left[row.name] -= 1
                if left[row.name] == 0:
                    self._finished(row.name)
        finally:
            writer.close()
        return tally.speed(time.monotonic() - started)

    def _requests(self, asked: dict[str, PlanRow]) -> Iterator[Request]:
        rows = own_rows(self._run, self._options.shard)
        for row in by_cost(row for row in rows if row.request.key not in self._answered):
            asked[row.request.key] = row
            yield row.request

    def _read_answers(self) -> frozenset[str]:
        keys: set[str] = set()
        for name in (question.name for question in self._run.read().spec.questions):
            index = AnswerIndex(self._run.prediction_files(name))
            keys.update(index.successes())
        return frozenset(keys)

    def _remember(self, request: Request, prediction: Prediction) -> None:
        self._progress.advance(prediction, request)
        if prediction.error is not None:
            self._events.write("error", f"{request.task}.{request.dataset}: {prediction.error}", request.key)
            return
        where = f"{request.task}.{request.dataset} {request.sample_id}"
        if prediction.cut_s:
            self._events.write("truncated", f"{where}: {prediction.cut_s} s of audio cut off", request.key)
        if prediction.silent:
            self._events.write("warning", f"{where}: the audio is digital silence", request.key)


class _Tally:
    """Counts answers, and knows when to give up."""

    def __init__(self, fail_fast: bool, *, from_start: bool) -> None:
        self._fail_fast = fail_fast
        self._from_start = from_start
        self._answers = 0
        self._errors = 0
        self._audio_s = 0.0
        self._tokens = 0

    def add(self, row: PlanRow, prediction: Prediction) -> None:
        """Count one; IncompleteError on the first error under --fail-fast, or when a run's first twenty all fail."""
        self._answers += 1
        if prediction.error is None:
            self._audio_s += row.seconds
            self._tokens += prediction.tokens_out or 0
            return
        self._errors += 1
        if self._fail_fast:
            raise IncompleteError(f"stopped at the first error (--fail-fast): {prediction.error}")
        if self._from_start and self._errors == self._answers == FAILED_FROM_START:
            raise IncompleteError(
                f"the first {FAILED_FROM_START} samples all failed, so the rest was not tried; the last said: "
                f"{prediction.error}"
            )

    def speed(self, seconds: float) -> Speed:
        """This attempt's speed."""
        return Speed(self._answers, round(seconds, 3), round(self._audio_s, 3), self._tokens)
