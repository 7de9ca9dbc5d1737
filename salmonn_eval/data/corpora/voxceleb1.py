"""VoxCeleb1: a list of trials `LABEL FILE FILE` over a folder of utterances (Nagrani et al. 2017).

A trial becomes one clip, the second utterance after the first with 0.1 s of silence, as the release joins files.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import find
from salmonn_eval.data.corpora.text import lines
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

GAP_S = 0.1
_LABELS = {"1": "yes", "0": "no"}
_ROOTS = ("wav", "", "test/wav", "vox1_test_wav/wav")


def open_voxceleb1(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The trials of the list `config`: ids are both names, labels yes or no, clusters the speakers.

    Names may be of the lists by id (id10270/VIDEO/00001.wav) or by celebrity (Eartha_Kitt/VIDEO_0000001.wav).
    """
    name = dataset.config or "veri_test.txt"
    path = find(dataset, folder, (name, f"meta/{name}"), f"the list of trials {name}")
    return AnnotatedSource(partial(_items, path, folder), partial(files_stamp, [path], path.parent))


def _items(path: Path, folder: Path) -> Iterator[Item]:
    audio: Path | None = None
    seen: dict[str, int] = {}
    for number, line in lines(path, "a list of trials"):
        words = line.split()
        if not words:
            continue
        if len(words) != 3 or words[0] not in _LABELS:
            raise UsageError(f"{path}:{number}: {line[:80]!r}; expected 1 (same) or 0, and two files")
        audio = audio or _root(folder, words[1])
        stems = [word.rpartition(".")[0] or word for word in words[1:]]
        trial = " ".join(stems)
        seen[trial] = seen.get(trial, 0) + 1
        trial = trial if seen[trial] == 1 else f"{trial} #{seen[trial]}"
        clip = Clip(tuple(AudioRef(str(audio / word)) for word in words[1:]), join="concat", gap_s=GAP_S)
        speakers = tuple(dict.fromkeys(stem.partition("/")[0] for stem in stems))
        yield Item(str(path), number, Sample(trial, (clip,), labels=(_LABELS[words[0]],), cluster=speakers))


def _root(folder: Path, file: str) -> Path:
    """The folder that the list's names start at."""
    return next((folder / root for root in _ROOTS if (folder / root / file).exists()), folder / _ROOTS[0])
