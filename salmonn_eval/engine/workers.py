"""Scoring in a process of its own, so that the model goes on meanwhile."""

import multiprocessing
import os
import signal
import threading
from concurrent import futures
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.scoring import score_question
from salmonn_eval.records import MetricValue

LOOK_EVERY_S = 0.2


class Scoring(Protocol):
    """Who scores the questions of a run while others are still being answered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def abandon(self) -> None:
        """Give up what is under way; what is not finished is scored again another time."""
        ...

    def submit(self, name: str) -> None:
        """The question is answered and may be scored."""
        ...

    def values(self, name: str, stop: threading.Event | None = None) -> list[MetricValue] | None:
        """The question's metric values (None: stopped before); raises what scoring raised."""
        ...


class ScoringHere:
    """Scores in this process, when the values are asked for: for a script, which a worker process would run again."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is under way."""

    def abandon(self) -> None:
        """Nothing is under way."""

    def submit(self, name: str) -> None:
        """Its turn comes with `values`."""

    def values(self, name: str, stop: threading.Event | None = None) -> list[MetricValue] | None:
        """Score the question; None if stopped before it begins."""
        return None if stop is not None and stop.is_set() else score_question(self._run, name)


class ScoringPool:
    """Scores questions in a worker process as soon as they are submitted; `values` waits for one.

    Left by an exception, or after `abandon`, it does not wait for what is under way.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        spawn = multiprocessing.get_context("spawn")
        heard, self._held = spawn.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, spawn, initializer=_follow_parent, initargs=(heard,))
        self._jobs: dict[str, Future[list[MetricValue]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._held.close()

    def abandon(self) -> None:
        """End the worker at once; what it has not finished is scored again another time."""
        self._held.close()

    def submit(self, name: str) -> None:
        """Start scoring one question; a second call for it does nothing."""
        if name not in self._jobs:
            self._jobs[name] = self._pool.submit(_score, self._run.path, name)

    def values(self, name: str, stop: threading.Event | None = None) -> list[MetricValue] | None:
        """The question's metric values, once they are there (None: stopped before); raises what scoring raised."""
        self.submit(name)
        job = self._jobs[name]
        while not futures.wait([job], timeout=None if stop is None else LOOK_EVERY_S).done:
            if stop is not None and stop.is_set():
                return None
        return job.result()


def _score(path: Path, name: str) -> list[MetricValue]:
    return score_question(RunDirectory(path), name)


def _follow_parent(held: Connection) -> None:
    """Leave Ctrl-C and SIGTERM, which may be meant for the whole group of processes, to the parent.

    The worker ends when the parent ends, even by kill -9, or lets go of the pipe.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a worker process only"
    threading.Thread(target=_end_with, args=([parent.sentinel, held],), daemon=True).start()


def _end_with(signs: list[int | Connection]) -> None:
    wait(signs)
    os._exit(1)
