"""Clotho: a CSV with five captions a row beside a folder of Freesound clips of 15 to 30 s (Drossos et al. 2020)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import AudioNames, find
from salmonn_eval.data.corpora.text import CSV, table
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))


def open_clotho(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """`clotho_captions_SPLIT.csv`: the id is the file's name without suffix, the references its five captions."""
    name = f"clotho_captions_{dataset.split or 'evaluation'}.csv"
    path = find(dataset, folder, (name, f"clotho_csv_files/{name}"), f"Clotho's {name}")
    return AnnotatedSource(partial(_items, path, AudioNames(folder)), partial(files_stamp, [path], path.parent))


def _items(path: Path, audio: AudioNames) -> Iterator[Item]:
    for number, row in table(path, ("file_name", *_CAPTIONS), CSV, "Clotho's captions"):
        stem = Path(row["file_name"]).stem
        clip = Clip((AudioRef(str(audio.find((stem, stem.strip())))),))
        references = tuple(row[caption].strip() for caption in _CAPTIONS)
        yield Item(str(path), number, Sample(stem, (clip,), {"caption": references[0]}, references))
