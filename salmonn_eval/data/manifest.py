"""Manifests: one JSON object a line, in the project's own form or as plain speech manifests have it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp, identified
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.records import AudioRef, Clip, Join, Sample
from salmonn_eval.tasks.spec import DatasetSpec


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a clip: a stretch (seconds) of a file."""

    path: str
    start_s: float = 0.0
    end_s: float | None = None
    sha256: str | None = None


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a manifest. Audio paths are relative to the manifest's folder.

    `audio` (or `audio_filepath`, or `path`) names the file or the parts; `text` is a transcript and, where there are no
    `references`, the reference; `offset` and `duration` (`duration_s`) are seconds, and with an offset the duration
    bounds what is heard, as in NeMo's manifests.
    """

    id: str | int | None = None
    audio: str | tuple[Part, ...] | None = None
    audio_filepath: str | None = None
    path: str | None = None
    join: Join = "single"
    gap_s: float = 0.0
    gains: tuple[float, ...] = ()
    mix_length: Literal["min", "max"] = "max"
    fields: dict[str, Any] = {}
    references: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    group: dict[str, str] = {}
    sha256: str | None = None
    text: str | None = None
    offset: float | None = None
    duration: float | None = None
    duration_s: float | None = None


def open_manifest(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The manifest at the dataset's `path` below `folder`."""
    if dataset.path is None:
        raise UsageError("a dataset of source 'manifest' has no path; expected `path: FILE.jsonl`")
    path = folder / dataset.path
    if not path.is_file():
        raise PrerequisiteError(f"{path}: no such manifest; expected a JSONL file with one sample a line")
    return AnnotatedSource(partial(read_manifest, path), partial(files_stamp, [path], path.parent))


def read_manifest(path: Path, audio: Path | None = None) -> Iterator[Item]:
    """Yield the items of a manifest; raises UsageError with file and line for whatever is not as expected.

    Audio paths are relative to the folder `audio`, by default the manifest's own.
    """
    occurrences: dict[str, int] = {}
    for number, row in read_rows(path, Row, what="manifest line"):
        where = f"{path}:{number}"
        clips = tuple(_clip(row, audio or path.parent, where))
        sample_id = str(row.id) if row.id is not None else identified(_material(row), occurrences)
        yield Item(str(path), number, _sample(row, sample_id, clips))


def _sample(row: Row, sample_id: str, clips: tuple[Clip, ...]) -> Sample:
    fields = dict(row.fields)
    if row.text is not None:
        fields.setdefault("transcript", row.text)
    seconds = row.duration if row.duration_s is None else row.duration_s
    if seconds is not None:
        fields.setdefault("duration_s", seconds)
    references = row.references or (() if row.text is None else (row.text,))
    return Sample(sample_id, clips, fields, references, row.labels, row.cluster, row.group)


def _material(row: Row) -> tuple[str, ...]:
    """What an id is made from: the reference, else the label, else the audio's name."""
    written = row.references or (() if row.text is None else (row.text,)) or row.labels
    return written or tuple(part.path for part in _parts(row))


def _parts(row: Row) -> tuple[Part, ...]:
    audio = next((given for given in (row.audio, row.audio_filepath, row.path) if given is not None), ())
    if not isinstance(audio, str):
        return audio
    if row.offset is None:
        return (Part(audio, sha256=row.sha256),)
    end = None if row.duration is None else row.offset + row.duration
    return (Part(audio, row.offset, end, row.sha256),)


def _clip(row: Row, folder: Path, where: str) -> Iterator[Clip]:
    """The line's clip, if it has audio, its numbers checked."""
    parts = _parts(row)
    if not parts and row.audio is None:
        return
    _check(row, parts, where)
    refs = tuple(AudioRef(str(folder / part.path), None, part.sha256, part.start_s, part.end_s) for part in parts)
    yield Clip(refs, row.join, row.gap_s, row.gains, row.mix_length)


def _check(row: Row, parts: tuple[Part, ...], where: str) -> None:
    if sum(given is not None for given in (row.audio, row.audio_filepath, row.path)) > 1:
        raise UsageError(f"{where}: more than one of audio, audio_filepath and path; expected one")
    if not parts:
        raise UsageError(f"{where}: audio is an empty list; expected at least one part, or no audio at all")
    if not isinstance(row.audio, str | None) and (row.sha256 is not None or row.offset is not None):
        raise UsageError(f"{where}: sha256 or offset beside a list of parts; expected them in each part (start_s)")
    if row.join == "single" and len(parts) > 1:
        raise UsageError(f"{where}: {len(parts)} parts of audio and join 'single'; expected join 'concat' or 'mix'")
    if row.gains and len(row.gains) != len(parts):
        raise UsageError(f"{where}: {len(row.gains)} gains for {len(parts)} parts of audio; expected one a part")
    if row.gap_s < 0:
        raise UsageError(f"{where}: gap_s is {row.gap_s:g}; expected seconds, not negative")
    for part in parts:
        if part.start_s < 0 or (part.end_s is not None and part.end_s <= part.start_s):
            raise UsageError(
                f"{where}: audio from {part.start_s:g} s to {part.end_s} s; expected a stretch of some length"
            )
