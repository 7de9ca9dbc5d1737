"""Reading results back: a run's folder, or a results file on its own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from salmonn_eval.engine.results import SCHEMA, Results
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.records import MetricValue
from salmonn_eval.report.wide import Seeded

# Schema number -> what turns a file of that schema into one of the next; the present schema needs nothing.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def results(path: Path) -> list[MetricValue]:
    """The values of a run folder or of a `results.json`, in plan order; older schemas are brought up to date.

    Raises:
        UsageError: nothing is there, or it is not a results file of a schema this version knows.
    """
    file = path / "results.json" if path.is_dir() else path
    if not file.exists():
        where = "the run is not finished, or the folder is no run" if path.is_dir() else "no such file"
        raise UsageError(f"{file}: {where}; expected a run folder or a results.json (salmonn-eval run --run-dir DIR)")
    document = read_whole(file, dict[str, Any], what="results file")
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
        raise UsageError(
            f"{file}: 'schema' is {schema!r}, expected a number from 1 to {SCHEMA}; "
            "a newer file needs a newer salmonn-eval"
        )
    for number in range(schema, SCHEMA):
        document = MIGRATIONS[number](document)
    try:
        return list(msgspec.convert(document, Results).results)
    except msgspec.ValidationError as fault:
        raise UsageError(f"{file}: not a valid results file: {fault}; score the run again") from fault


def joined(paths: Sequence[Path]) -> list[MetricValue]:
    """The values of several runs; where two runs are of one model, each carries its run's name behind the model's."""
    return named([(path, results(path)) for path in paths])


def named(runs: Sequence[tuple[Path, list[MetricValue]]]) -> list[MetricValue]:
    """Values of several runs, under names that tell runs of one model apart."""
    holders: dict[str, int] = {}
    for _, values in runs:
        for model in {value.model for value in values}:
            holders[model] = holders.get(model, 0) + 1
    return [
        msgspec.structs.replace(value, model=f"{value.model} ({_run_name(path)})")
        if holders[value.model] > 1
        else value
        for path, values in runs
        for value in values
    ]


def seeded(paths: Sequence[Path], values: Sequence[MetricValue]) -> dict[str, Seeded]:
    """The family and training seed of each system in `values` (as `joined` names it), where a run's card tells them."""
    names = {value.model for value in values}
    found: dict[str, Seeded] = {}
    for path in paths:
        if not (path / "run.json").exists():
            continue
        card = RunDirectory(path).read().spec.card
        if card.family and card.train_seed is not None:
            of_run = {card.name, f"{card.name} ({_run_name(path)})"} & names
            found.update(dict.fromkeys(of_run, Seeded(card.family, card.train_seed)))
    return found


def _run_name(path: Path) -> str:
    resolved = path.resolve()
    return resolved.parent.name if resolved.name == "results.json" else resolved.stem
