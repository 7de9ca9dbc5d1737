"""Bring shards together: check that every planned request has its answer, then score."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from salmonn_eval.engine.account import account
from salmonn_eval.engine.locks import owning
from salmonn_eval.engine.run import Outcome, score_run
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors
from salmonn_eval.engine.store import writing
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.jsonl import atomic


def merge(run: RunDirectory, others: Sequence[RunDirectory], limit: MaxErrors) -> Outcome:
    """Take in the answers of other folders of the same spec, then score the whole.

    Raises IncompleteError when planned requests have no attempt (a shard is missing), UsageError when a folder holds
    another run, or other answers of one shard.
    """
    state = run.read()
    with writing(run.path), owning(run.path, None):
        for other in others:
            if other.read().spec_hash != state.spec_hash:
                raise UsageError(f"{other.path}: is no shard of {run.path} (another specification); merge only its own")
            for file in sorted((other.path / "predictions").glob("*.jsonl")):
                _take_in(file, run.path / "predictions" / file.name)
    if absent := account(run).open:
        listed = ", ".join(f"{name}: {count}" for name, count in absent.items())
        raise IncompleteError(
            f"{run.path}: {sum(absent.values())} planned requests have no answer yet ({listed}); run the missing "
            "shards, then merge again"
        )
    return score_run(run, limit=limit)


def _take_in(source: Path, target: Path) -> None:
    """Copy a shard's answers; a file that is there already is left alone when it holds the same."""
    if target.exists():
        if source.read_bytes() != target.read_bytes():
            raise UsageError(
                f"{target}: differs from {source}; two folders hold different answers of one shard: keep one"
            )
        return
    with source.open("rb") as file, atomic(target) as copy:
        shutil.copyfileobj(file, copy)
