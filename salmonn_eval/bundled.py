"""Where the bundled folders `tasks/`, `model/` and `results/published/` lie: in a source tree or inside the wheel."""

from pathlib import Path
from typing import Literal

Folder = Literal["tasks", "model", "results/published"]

_PACKAGE = Path(__file__).resolve().parent


def bundled(folder: Folder) -> Path:
    """The folder as shipped: `salmonn_eval/bundled/<folder>` in an installed wheel, else the source tree's own."""
    inside = _PACKAGE / "bundled" / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
