"""Hugging Face datasets as a source: a local folder or file, or a hub repository at a pinned commit."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from salmonn_eval.canonical import canonical
from salmonn_eval.data.annotated import AnnotatedSource, Item
from salmonn_eval.data.cells import Table, cell_address, loaded
from salmonn_eval.data.columns import RowReader
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioRef, Clip
from salmonn_eval.tasks.spec import DatasetSpec

_COMMIT = re.compile(r"[0-9a-f]{40}")


def open_dataset(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """With a `revision`, `path` is a repository of the hub; else a folder or file below `folder`.

    Local: what `save_to_disk` wrote, or parquet, CSV and JSON (of an audio folder, its metadata file). `columns` gives
    roles to columns (see RowReader); by default `id`, `audio` and `text` are looked for under their own names. An
    audio column may also hold paths, relative to the dataset.

    Raises UsageError for a revision that is no full commit, PrerequisiteError for data that is not there.
    """
    if dataset.path is None:
        raise UsageError("a dataset of source 'huggingface' has no path; expected a local path or `owner/name`")
    if dataset.revision is None:
        path = (folder / dataset.path).absolute()
        if not path.exists():
            raise PrerequisiteError(
                f"{path}: no such dataset; for a repository of the hub also state `revision:`, the commit to use"
            )
        table = Table(str(path), dataset.config, dataset.split)
        beside = path if path.is_dir() else path.parent
    else:
        if not _COMMIT.fullmatch(dataset.revision):
            raise UsageError(
                f"{dataset.path}: revision {dataset.revision!r} may move; expected the 40 digits of a commit"
            )
        table = Table(dataset.path, dataset.config, dataset.split, dataset.revision)
        beside = folder
    columns = _columns(dataset, table)
    items = partial(_items, dataset, table, columns, beside)
    return AnnotatedSource(items, partial(_stamp, table, columns))


def _columns(dataset: DatasetSpec, table: Table) -> Mapping[str, str]:
    """Column by role; UsageError naming the first column that the table lacks."""
    have = loaded(table).column_names
    columns = dataset.columns or {name: name for name in ("id", "audio", "text") if name in have}
    for role, column in columns.items():
        if column not in have:
            raise UsageError(f"{table.name}: no column {column!r} for {role}; expected one of {', '.join(have)}")
    return columns


def _rows(table: Table, columns: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows without encoded audio; class labels by name."""
    whole = loaded(table)
    names = {column: feature for column, feature in whole.features.items() if hasattr(feature, "int2str")}
    wanted = [column for column in dict.fromkeys(columns.values()) if not _is_encoded(whole.features[column])]
    texts = whole.select_columns(wanted)
    for number in range(len(whole)):
        row = dict(texts[number]) if wanted else {}
        yield {
            column: names[column].int2str(value) if column in names and value is not None else value
            for column, value in row.items()
        }


def _is_encoded(feature: Any) -> bool:
    """Whether a column holds encoded audio: Audio, its plain struct of bytes and path, or binary."""
    inner = feature if isinstance(feature, dict) else getattr(feature, "dtype", None)
    return inner in ("binary", "large_binary", "dict") or isinstance(inner, dict)


def _items(dataset: DatasetSpec, table: Table, columns: Mapping[str, str], beside: Path) -> Iterator[Item]:
    reader = RowReader(dataset, columns)
    audio = columns.get("audio")
    encoded = audio is not None and _is_encoded(loaded(table).features[audio])
    for number, row in enumerate(_rows(table, columns)):
        if encoded and audio is not None:
            place = cell_address(table, audio, number)
        else:
            place = str(beside / row[audio]) if audio and row[audio] else ""
        clips = (Clip((AudioRef(place),)),) if place else ()
        yield Item(table.name, number + 1, reader.sample(row, clips, f"{table.name}: row {number + 1}"))


def _stamp(table: Table, columns: Mapping[str, str]) -> str:
    """Hash of what the rows say beside their audio, whatever files they came in."""
    digest = hashlib.sha256(canonical(columns))
    for row in _rows(table, columns):
        digest.update(canonical(row))
    return digest.hexdigest()
