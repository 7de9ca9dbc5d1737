"""Where the files of a corpus lie below the folder that the user names: its distributions differ in their folders."""

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.tasks.spec import DatasetSpec

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"})


def find(dataset: DatasetSpec, folder: Path, places: Sequence[str], what: str) -> Path:
    """The first of `places` (files or folders below `folder`) that is there.

    Raises PrerequisiteError naming what is missing, where it was looked for and where the corpus is published.
    """
    for place in places:
        if (folder / place).exists():
            return folder / place
    raise lacking(dataset, folder, places, what)


def lacking(dataset: DatasetSpec, folder: Path, places: Iterable[str], what: str) -> PrerequisiteError:
    """The fault that `what` is in none of `places`."""
    get = f" ({dataset.get.rstrip('.')})" if dataset.get else ""
    return PrerequisiteError(
        f"{folder}: {what} is not there; expected {' or '.join(places)}{get}: "
        f"say --data {dataset.corpus or dataset.source}=DIR with the folder that holds it"
    )


def first_folder(folder: Path, places: Sequence[str]) -> Path:
    """The first of `places` below `folder` that is a folder; the first of all where none is."""
    return next((folder / place for place in places if (folder / place).is_dir()), folder / places[0])


class AudioNames:
    """Audio files below a folder by name: the tools that fetch clips name and place them in many ways."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, names: Sequence[str]) -> Path:
        """The file whose name without suffix is one of `names`, in that order; where it belongs if none is there."""
        for name in names:
            if name in self._by_name:
                return self._by_name[name]
        return self._folder / f"{names[0]}.wav"

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for place, folders, files in os.walk(self._folder, followlinks=True):
            folders.sort()
            for file in sorted(files):
                stem, suffix = os.path.splitext(file)  # noqa: PTH122 - a path object for each file costs seconds
                if suffix.lower() in AUDIO_SUFFIXES and not file.startswith("._"):
                    found.setdefault(stem, Path(place, file))
        return found


def clip_names(video: str, start_s: int, end_s: int) -> tuple[str, ...]:
    """Names under which the usual tools store a stretch (whole seconds) of a YouTube video."""
    return (
        video,
        f"{video}_{start_s}",
        f"{video}_{start_s}_{end_s}",
        f"{video}_{start_s * 1000}_{end_s * 1000}",
        f"[{video}]-[{start_s}-{end_s}]",
        f"Y{video}",
    )
