"""Cells of Hugging Face datasets: undecoded audio by table, column and row, so that no bytes stay in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from salmonn_eval.errors import AudioError, PrerequisiteError

CELL_SCHEME = "hf://"
_BUILDERS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json", ".arrow": "arrow"}


class Table(Struct, frozen=True):
    """One split of a dataset: a folder or file (`revision` None) or a hub repository at a commit."""

    name: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None


def cell_address(table: Table, column: str, row: int) -> str:
    """`hf://NAME?config=..&split=..&revision=..&column=..#ROW`: where an undecoded audio cell lies."""
    settings = {key: value for key, value in msgspec.structs.asdict(table).items() if key != "name" and value}
    return f"{CELL_SCHEME}{quote(table.name)}?{urlencode(settings | {'column': column})}#{row}"


def cell(address: str) -> Path | bytes:
    """The encoded audio at an address: a file on disk, or bytes. Raises AudioError when it cannot be had."""
    parts = urlsplit(address)
    settings = dict(parse_qsl(parts.query))
    try:
        column, row = settings.pop("column"), int(parts.fragment)
        value = loaded(Table(unquote(parts.netloc + parts.path), **settings))[row][column]
    except (KeyError, IndexError, TypeError, ValueError) as fault:
        raise AudioError(f"{address}: no such cell ({fault}); expected hf://NAME?split=..&column=..#ROW") from fault
    except PrerequisiteError as fault:
        raise AudioError(str(fault)) from fault
    audio = value if isinstance(value, Mapping) else {"bytes": value}
    if isinstance(audio.get("bytes"), bytes):
        return bytes(audio["bytes"])
    if audio.get("path"):
        return Path(audio["path"])
    raise AudioError(f"{address}: the cell holds {value!r}; expected encoded audio or the path of a file")


@lru_cache(maxsize=16)
def loaded(table: Table) -> Any:
    """The `datasets.Dataset` of a table, audio columns undecoded, no code of the dataset run.

    Raises PrerequisiteError when the package, the dataset, its split or the network it needs is not there.
    """
    try:
        import datasets
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as fault:
        raise PrerequisiteError(f"{table.name}: needs the package {fault.name}; pip install datasets") from fault
    try:
        with _quiet(datasets):
            split = _one_split(_load(datasets, table), table)
    except (OSError, ValueError, HfHubHTTPError, datasets.exceptions.DatasetsError) as fault:
        reason = " ".join(str(fault.__cause__ or fault).split()) or type(fault).__name__
        raise PrerequisiteError(f"{table.name}: cannot be loaded as a Hugging Face dataset ({reason})") from fault
    for column, feature in split.features.items():
        if isinstance(feature, datasets.Audio):
            split = split.cast_column(column, datasets.Audio(decode=False))
    return split


def _load(datasets: Any, table: Table) -> Any:
    if table.revision is not None:
        return datasets.load_dataset(table.name, table.config, split=table.split, revision=table.revision)
    path = Path(table.name)
    if path.is_file() and path.suffix in _BUILDERS:
        return datasets.load_dataset(_BUILDERS[path.suffix], data_files=str(path))
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return datasets.load_from_disk(str(path))
    return datasets.load_dataset(str(path), table.config)


def _one_split(found: Any, table: Table) -> Any:
    if not isinstance(found, dict):
        return found
    if table.split is None and len(found) == 1:
        return next(iter(found.values()))
    if table.split not in found:
        have = ", ".join(found)
        raise PrerequisiteError(f"{table.name}: no split {table.split!r}; expected `split:` to be one of {have}")
    return found[table.split]


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Without the library's own progress bars: what is shown is the command line's business."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
