"""`results.json` of a run, and what its numbers mean for the exit code."""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.engine.account import Account
from salmonn_eval.engine.lacking import lacking
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors, NotAsked, RunSpec
from salmonn_eval.engine.summarise import blank
from salmonn_eval.jsonl import write_json
from salmonn_eval.records import MetricValue

SCHEMA = 1


class Results(Struct, frozen=True):
    """The file's form: no time and no run id in it, so that equal runs give equal bytes."""

    results: tuple[MetricValue, ...]
    schema: int = SCHEMA


def write_results(run: RunDirectory, spec: RunSpec, values: Iterable[MetricValue]) -> tuple[MetricValue, ...]:
    """Write `results.json`: values in plan order, then what could not be asked."""
    everything = (*values, *(value for entry in spec.not_asked for value in _not_asked(spec, entry)))
    write_json(run.results, Results(everything))
    return everything


def keep_previous(run: RunDirectory) -> Path | None:
    """Move an earlier scoring (results, scores, table) into `scored/TIME/`, to stand beside the new one."""
    if not run.results.exists():
        return None
    kept = run.path / "scored" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}"
    kept.mkdir(parents=True)
    for path in (run.results, run.table, run.path / "scores"):
        if path.exists():
            shutil.move(path, kept / path.name)
    (run.path / "scores").mkdir()
    return kept


def shortcomings(spec: RunSpec, values: Sequence[MetricValue], account: Account, limit: MaxErrors) -> list[str]:
    """Why a run is incomplete, a sentence each; empty when it is whole."""
    found = []
    if left := sum(account.open.values()):
        found.append(f"{left} of {account.planned} requests have no answer yet; repeat the run's own command to go on")
    if limit.exceeded(account.failed, account.planned):
        found.append(
            f"{account.failed} of {account.planned} samples failed, more than --max-errors allows; see events.jsonl"
        )
    embedded = {(q.task.id, q.dataset_id) for q in spec.questions if q.dataset.suite != "paper"}
    lacks = lacking(spec.card, spec.judge)
    for value in values:
        if not value.headline or value.reading != "all" or value.group is not None or value.value is not None:
            continue
        unavailable = lacks.get(value.metric) is not None and (value.task, value.dataset) in embedded
        if value.n_planned and not unavailable:
            found.append(f"{value.task}:{value.dataset} {value.metric}: nothing scored ({value.why})")
    return found


def _not_asked(spec: RunSpec, entry: NotAsked) -> list[MetricValue]:
    return [
        msgspec.structs.replace(
            blank(spec.card.name, entry.task, entry.dataset, metric, spec.variants[0]),
            status=entry.status,
            why=entry.why,
        )
        for metric in entry.metrics
    ]
