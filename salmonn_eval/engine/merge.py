"""Bring shards together: check that every planned request has its answer, then score."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from salmonn_eval.engine.plan import read_plan
from salmonn_eval.engine.run import Outcome, score_run
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors
from salmonn_eval.engine.store import AnswerIndex
from salmonn_eval.errors import IncompleteError, UsageError


def merge(run: RunDirectory, others: Sequence[RunDirectory], limit: MaxErrors) -> Outcome:
    """Take in the answers of other folders of the same spec, then score the whole.

    Raises IncompleteError when planned requests have no attempt (a shard is missing), UsageError when a folder holds
    another run.
    """
    state = run.read()
    for other in others:
        if other.read().spec_hash != state.spec_hash:
            raise UsageError(f"{other.path}: is no shard of {run.path} (spec hashes differ); merge only its own shards")
        for file in sorted((other.path / "predictions").glob("*.jsonl")):
            _take_in(file, run.path / "predictions" / file.name)
    absent = missing(run)
    if absent:
        listed = ", ".join(f"{name}: {count}" for name, count in absent.items())
        raise IncompleteError(
            f"{run.path}: {sum(absent.values())} planned requests have no answer yet ({listed}); run the missing "
            "shards, then merge again"
        )
    return score_run(run, state.spec, limit)


def missing(run: RunDirectory) -> dict[str, int]:
    """Planned requests without any attempt, counted by question."""
    indexes = {q.name: AnswerIndex(run.prediction_files(q.name)) for q in run.read().spec.questions}
    absent: dict[str, int] = {}
    for row in read_plan(run):
        if not indexes[row.name].attempted(row.request.key):
            absent[row.name] = absent.get(row.name, 0) + 1
    return absent


def _take_in(source: Path, target: Path) -> None:
    """Copy a shard's answers; a file that is there already is left alone when it holds the same."""
    if not target.exists():
        shutil.copyfile(source, target)
    elif source.read_bytes() != target.read_bytes():
        raise UsageError(f"{target}: differs from {source}; two folders hold different answers of one shard: keep one")
