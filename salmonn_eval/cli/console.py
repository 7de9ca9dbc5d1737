"""What people see: progress while a run works, sentences, JSON."""

import sys
import time
from types import TracebackType
from typing import Any

import msgspec

from salmonn_eval.records import Prediction, Request

PLAIN_EVERY_S = 5.0


def say(text: str) -> None:
    """One text to standard output."""
    print(text)


def tell(text: str) -> None:
    """One text to standard error: progress, warnings, faults."""
    print(text, file=sys.stderr, flush=True)


def say_json(value: Any) -> None:
    """One value as indented JSON to standard output."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def hours(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


class PlainProgress:
    """A line every few seconds: for logs, pipes and CI."""

    def __init__(self) -> None:
        self._total = self._done = self._failed = 0
        self._started = self._said = 0.0
        self._at_start = 0

    def begin(self, what: str, total: int, done: int) -> None:
        """Say what starts."""
        self._total, self._done, self._at_start = total, done, done
        self._started = self._said = time.monotonic()
        tell(f"{what}: {total} requests" + (f", {done} answered before" if done else ""))

    def advance(self, prediction: Prediction, request: Request) -> None:
        """Count one answer; say so now and then, and at the end."""
        self._done += 1
        self._failed += prediction.error is not None
        now = time.monotonic()
        if now - self._said >= PLAIN_EVERY_S or self._done == self._total:
            self._said = now
            rate = (self._done - self._at_start) / max(now - self._started, 1e-9)
            failed = f", {self._failed} failed" if self._failed else ""
            left = hours((self._total - self._done) / rate)
            tell(f"  {self._done}/{self._total} answered{failed}, {rate:.3g}/s, {left} left")

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class BarProgress(PlainProgress):
    """A bar with rate and time left: for terminals."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("planning", total=None, failed="")

    def begin(self, what: str, total: int, done: int) -> None:
        """Show the bar from what is done."""
        self._bar.reset(self._task, description=what, total=total, completed=done, failed="")

    def advance(self, prediction: Prediction, request: Request) -> None:
        """Move the bar."""
        self._failed += prediction.error is not None
        self._bar.update(self._task, advance=1, failed=f"{self._failed} failed" if self._failed else "")

    def __enter__(self) -> "BarProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def progress() -> PlainProgress:
    """The form that fits standard error."""
    return BarProgress() if sys.stderr.isatty() else PlainProgress()
