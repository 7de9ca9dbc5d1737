"""MusicCaps: a CSV with one caption a 10 s clip from YouTube, half of it for evaluation (Agostinelli et al. 2023)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import AudioNames, clip_names, find
from salmonn_eval.data.corpora.text import CSV, table
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_FILE = "musiccaps-public.csv"
_COLUMNS = ("ytid", "start_s", "end_s", "caption", "is_audioset_eval")
_SPLITS = {"eval": "True", "train": "False"}


def open_musiccaps(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The rows of `split` eval or train: the id is YouTube's, the reference the caption; lost clips are absent."""
    split = dataset.split or "eval"
    if split not in _SPLITS:
        raise UsageError(f"MusicCaps has no split {split!r}; expected eval or train")
    path = find(dataset, folder, (_FILE, f"data/{_FILE}"), _FILE)
    items = partial(_items, path, _SPLITS[split], AudioNames(folder))
    return AnnotatedSource(items, partial(files_stamp, [path], path.parent))


def _items(path: Path, wanted: str, audio: AudioNames) -> Iterator[Item]:
    for number, row in table(path, _COLUMNS, CSV, "MusicCaps' captions"):
        if row["is_audioset_eval"] not in _SPLITS.values():
            found = row["is_audioset_eval"]
            raise UsageError(f"{path}:{number}: is_audioset_eval is {found!r}; expected True or False")
        for name in ("start_s", "end_s"):
            if not row[name].isdecimal():
                raise UsageError(f"{path}:{number}: {name} is {row[name]!r}; expected whole seconds")
        if row["is_audioset_eval"] == wanted:
            file = audio.find(clip_names(row["ytid"], int(row["start_s"]), int(row["end_s"])))
            caption = row["caption"].strip()
            yield Item(
                str(path),
                number,
                Sample(row["ytid"], (Clip((AudioRef(str(file)),)),), {"caption": caption}, (caption,)),
            )
