"""Corpora laid out on disk for the tests of their readers, with real recordings for their clips."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from salmonn_eval.data.annotated import SampleSource
from salmonn_eval.data.sources import open_source
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.spec import DatasetSpec

RECORDING = Path(__file__).resolve().parents[1] / "data/audio/367-130732-0006.flac"


def definition(name: str) -> DatasetSpec:
    """The bundled definition of `TASK:DATASET`."""
    task_id, _, dataset_id = name.partition(":")
    return next(task.spec for task in discover().tasks if task.spec.id == task_id).datasets[dataset_id]


def opened(name: str, **folders: Path) -> SampleSource:
    """The bundled test set, its corpora in `folders`."""
    return open_source(definition(name), Path(), folders)


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Text files by path below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def clip(path: Path) -> Path:
    """A real recording at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(RECORDING, path)
    return path
