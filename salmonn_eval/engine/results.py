"""`results.json` of a run, and what its numbers mean for the exit code."""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from salmonn_eval.engine.fingerprints import UNKNOWN
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors, NotAsked, RunSpec
from salmonn_eval.jsonl import write_json
from salmonn_eval.records import MetricValue
from salmonn_eval.scorers.registry import describe

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


class Account(Struct, frozen=True):
    """Requests of a run: planned, tried, those that only ever failed, and those on cut or digitally silent audio."""

    planned: int
    attempted: int
    failed: int
    cut: int = 0
    silent: int = 0


def shortcomings(spec: RunSpec, values: Sequence[MetricValue], account: Account, limit: MaxErrors) -> list[str]:
    """Why a run is incomplete, a sentence each; empty when it is whole."""
    found = []
    if left := account.planned - account.attempted:
        found.append(f"{left} of {account.planned} requests have no answer yet; repeat the run's own command to go on")
    if limit.exceeded(account.failed, account.planned):
        found.append(
            f"{account.failed} of {account.planned} samples failed, more than --max-errors allows; see events.jsonl"
        )
    embedded = {(q.task.id, q.dataset_id) for q in spec.questions if q.dataset.suite != "paper"}
    for value in values:
        if not value.headline or value.reading != "all" or value.group is not None or value.value is not None:
            continue
        expected = value.status == "not applicable" or (
            value.status == "missing" and ((value.task, value.dataset) in embedded or value.n_planned == 0)
        )
        if not expected:
            found.append(f"{value.task}:{value.dataset} {value.metric}: nothing scored ({value.why})")
    return found


def _not_asked(spec: RunSpec, entry: NotAsked) -> list[MetricValue]:
    values = []
    for metric in entry.metrics:
        facts = describe(metric.name)
        values.append(
            MetricValue(
                model=spec.card.name,
                task=entry.task,
                dataset=entry.dataset,
                group=None,
                variant=spec.variants[0],
                metric=metric.name,
                reading="all",
                value=None,
                unit=facts.unit,
                better=facts.better,
                ci=None,
                bounds=None,
                n_planned=0,
                n_scored=0,
                n_unscored=0,
                n_error=0,
                n_followed=0,
                n_undetermined=0,
                signature=metric.name,
                asked=UNKNOWN,
                system=UNKNOWN,
                headline=metric.headline,
                status=entry.status,
                why=entry.why,
            )
        )
    return values
