"""The groups of tasks, and what a task or a test set may be called."""

import re
from collections.abc import Callable

from salmonn_eval.tasks.spec import TaskSpec

GROUPS: dict[str, Callable[[TaskSpec], bool]] = {
    "level1": lambda task: task.level == 1 and not task.extra,
    "level2": lambda task: task.level == 2 and not task.extra,
    "level3": lambda task: task.level == 3 and not task.extra,
    "all": lambda task: not task.extra,
    "extra": lambda task: task.extra,
}

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")


def id_fault(name: str) -> str | None:
    """Why a task or dataset cannot be called so, or None."""
    if not _ID.fullmatch(name):
        return f"the id `{name}` cannot stand in commands and file names; expected lower-case letters, digits, - and _"
    return f"`{name}` is the name of a group of tasks; choose another id" if name in GROUPS else None
