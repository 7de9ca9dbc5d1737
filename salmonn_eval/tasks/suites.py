"""Suites: which test sets of a task are meant where only the task is named, and how they are decoded."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.bundled import bundled
from salmonn_eval.tasks.spec import Suite

SUITES_FILE = "suites.yaml"


class SuiteSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What a suite is; `generation` overlays the settings of its tasks."""

    description: str
    generation: dict[str, Any] = {}


def load_suites(folder: Path | None = None) -> dict[Suite, SuiteSpec]:
    """Read `suites.yaml` of the bundled task folder (or another); UsageError with file and line."""
    return yamlfile.load((folder or bundled("tasks")) / SUITES_FILE, dict[Suite, SuiteSpec])
