"""Locks on a run directory; the system releases them with the process, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from salmonn_eval.engine.spec import Shard
from salmonn_eval.errors import UsageError


@contextmanager
def owning(run_dir: Path, shard: Shard | None) -> Iterator[None]:
    """Own a run, or one shard of it, until the block ends.

    A whole run excludes everyone; shards exclude whole runs and their own double. Raises UsageError when refused.
    """
    with ExitStack() as held:
        mode = fcntl.LOCK_EX if shard is None else fcntl.LOCK_SH
        held.enter_context(_locked(run_dir / ".lock", mode | fcntl.LOCK_NB, run_dir))
        if shard is not None:
            own = run_dir / f".lock.{shard.suffix}"
            held.enter_context(_locked(own, fcntl.LOCK_EX | fcntl.LOCK_NB, run_dir))
        yield


@contextmanager
def planning(run_dir: Path) -> Iterator[None]:
    """Wait for, then hold, the right to write the plan: the first of several shards plans for all."""
    with _locked(run_dir / ".lock.plan", fcntl.LOCK_EX, run_dir):
        yield


@contextmanager
def _locked(path: Path, mode: int, run_dir: Path) -> Iterator[None]:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, mode)
        except BlockingIOError as fault:
            raise UsageError(
                f"{run_dir}: another process is working on this run; wait for it, or use --fresh to start another run"
            ) from fault
        yield
