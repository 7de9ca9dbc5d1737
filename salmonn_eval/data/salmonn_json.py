"""Annotation files of the SALMONN release: {"annotation": [{"path", "text", "task", "Q", "expand_wav"}, ...]}.

As in the release's own data loader, the files of `expand_wav` follow the first with 0.1 s of silence between.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.columns import RowReader
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.records import AudioRef, Clip
from salmonn_eval.tasks.spec import DatasetSpec

_GAP_S = 0.1


class Entry(Struct, frozen=True):
    """One entry; other keys of the file are left alone, as the release does."""

    path: str
    text: str
    task: str = "asr"
    Q: str | None = None
    expand_wav: tuple[str, ...] = ()


class Annotation(Struct, frozen=True):
    """The whole file."""

    annotation: tuple[Entry, ...]


def open_annotation(dataset: DatasetSpec, folder: Path, beside: Mapping[str, Path] | None = None) -> AnnotatedSource:
    """The annotation at the dataset's `path` below `folder`; `config` keeps the entries of one `task` key only.

    Audio paths are looked up below `folder` where the dataset has a corpus (whatever folders lay above it on the
    machine that wrote the file), or below `--data audio=DIR`, else relative to the annotation. Ids
    are file names without suffix; a name that comes again gets `#2`, `#3`, ... `columns` gives roles to `path`, `text`,
    `Q`; by default Q is the field `question`.
    """
    if dataset.path is None:
        raise UsageError("a dataset of source 'salmonn' has no path; expected `path: FILE.json`")
    path = folder / dataset.path
    if not path.is_file():
        raise PrerequisiteError(f"{path}: no such annotation; expected the release's JSON with a list `annotation`")
    audio = folder if dataset.corpus else (beside or {}).get("audio")
    files = AudioFolder(audio) if audio else None
    return AnnotatedSource(partial(_items, dataset, path, files), partial(files_stamp, [path], path.parent))


def _items(dataset: DatasetSpec, path: Path, files: "AudioFolder | None") -> Iterator[Item]:
    seen: dict[str, int] = {}
    rows: dict[str, RowReader] = {}
    for number, entry in enumerate(read_whole(path, Annotation, what="SALMONN annotation").annotation, start=1):
        if dataset.config not in (None, entry.task):
            continue
        columns = dataset.columns or {("text" if entry.task == "asr" else "reference"): "text", "question": "Q"}
        reader = rows.setdefault(entry.task, RowReader(dataset, {"id": "id", **columns}))
        stem = PurePosixPath(entry.path).stem
        seen[stem] = seen.get(stem, 0) + 1
        row: dict[str, Any] = {
            "id": stem if seen[stem] == 1 else f"{stem}#{seen[stem]}",
            "path": entry.path,
            # Labels are written as sentences ("Yes."); the task's labels are words in lower case.
            "text": entry.text.strip(" .").lower() if columns.get("label") == "text" else entry.text,
            "Q": entry.Q,
        }
        clip = clip_of(entry, path, files)
        yield Item(str(path), number, reader.sample(row, (clip,), f"{path}: entry {number}"))


def clip_of(entry: Entry, path: Path, files: "AudioFolder | None") -> Clip:
    """The entry's sound, its files in `files` or relative to the annotation at `path`."""
    refs = tuple(
        AudioRef(str(files.find(name) if files else path.parent / name)) for name in (entry.path, *entry.expand_wav)
    )
    return Clip(refs, join="concat", gap_s=_GAP_S) if len(refs) > 1 else Clip(refs)


class AudioFolder:
    """Finds files below a folder by paths that were written on another machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._strip = 0

    def find(self, written: str) -> Path:
        """The file below the folder that shares the longest tail with `written`.

        The number of leading folders that had to go is tried first for the next path. What is not found is returned
        where that number would put it.
        """
        names = [name for name in PurePosixPath(written).parts if name != "/"]
        for strip in (self._strip, *range(len(names))):
            found = self._folder.joinpath(*names[strip:])
            if strip < len(names) and found.exists():
                self._strip = strip
                return found
        return self._folder.joinpath(*names[min(self._strip, len(names) - 1) :])
