"""Scoring in a process of its own, so that the model goes on meanwhile."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType

from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.scoring import score_question
from salmonn_eval.records import MetricValue


class ScoringPool:
    """Scores questions in a worker process as soon as they are submitted; `values` waits for one."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_follow_parent)
        self._jobs: dict[str, Future[list[MetricValue]]] = {}

    def __enter__(self) -> "ScoringPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def submit(self, name: str) -> None:
        """Start scoring one question; a second call for it does nothing."""
        if name not in self._jobs:
            self._jobs[name] = self._pool.submit(_score, self._run.path, name)

    def values(self, name: str) -> list[MetricValue]:
        """The question's metric values, once they are there; raises what scoring raised."""
        self.submit(name)
        return self._jobs[name].result()


def _score(path: Path, name: str) -> list[MetricValue]:
    return score_question(RunDirectory(path), name)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a worker process only"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
