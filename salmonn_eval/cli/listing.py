"""`list`: tasks and their test sets, models, metrics."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


class What(StrEnum):
    """What can be listed."""

    tasks = "tasks"
    models = "models"
    metrics = "metrics"


def list_(
    what: Annotated[What, typer.Argument(help="tasks, models or metrics.")] = What.tasks,
    task_path: o.TaskPath = None,
    model_path: o.ModelPath = None,
    json: o.Json = False,
) -> None:
    """List what there is to ask, who can answer, and what is measured."""
    from salmonn_eval.cli.console import say, say_json

    rows = {What.tasks: _tasks, What.models: _models, What.metrics: _metrics}[what](task_path or [], model_path or [])
    if json:
        say_json(rows)
        return
    keys = list(rows[0])
    widths = [max(len(row[key]) for row in rows) for key in keys[:-1]]
    for row in rows:
        cells = [row[key].ljust(width) for key, width in zip(keys, widths, strict=False)]
        say("  ".join([*cells, row[keys[-1]]]).rstrip())


def _tasks(task_paths: list[Path], model_paths: list[Path]) -> list[dict[str, str]]:
    from salmonn_eval.tasks.discover import discover

    return [
        {
            "task": task.spec.id,
            "level": "extra" if task.spec.extra else f"level{task.spec.level}",
            "headline": ", ".join(metric.name for metric in task.spec.metrics if metric.headline),
            "title": task.spec.title,
            "datasets": " ".join(f"{name} ({dataset.suite})" for name, dataset in task.spec.datasets.items()),
        }
        for task in discover(task_paths).tasks
    ]


def _models(task_paths: list[Path], model_paths: list[Path]) -> list[dict[str, str]]:
    from salmonn_eval.models.cards import read_card
    from salmonn_eval.models.registry import find_cards

    cards = [read_card(path) for path in find_cards(model_paths).values()]
    return [
        {
            "model": card.name,
            "backend": card.backend,
            "tasks": ", ".join(card.tasks) if card.tasks is not None else "all",
            "description": " ".join(card.description.split()),
        }
        for card in cards
    ]


def _metrics(task_paths: list[Path], model_paths: list[Path]) -> list[dict[str, str]]:
    from salmonn_eval.scorers.registry import availability, describe

    return [
        {"metric": name, "unit": describe(name).unit, "better": describe(name).better, "available": lacking or "yes"}
        for name, lacking in availability().items()
    ]
