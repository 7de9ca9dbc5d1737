"""CoVoST 2: translations as TSV over the English clips of Common Voice 4 (Wang et al. 2021).

Two forms are read: `covost_v2.en_XX.SPLIT.tsv`, which the corpus's own script makes, and `covost_v2.en_XX.tsv` as it is
published, joined here with Common Voice's `validated.tsv` as that script does.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, items_stamp
from salmonn_eval.data.corpora.index import remembered
from salmonn_eval.data.corpora.layout import find, first_folder
from salmonn_eval.data.corpora.text import Dialect, table
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_TSV = Dialect("\t", quoted=False, escape="\\")
_JOINED = ("path", "sentence", "translation", "client_id")
_PUBLISHED = ("path", "translation", "split")
_VALIDATED = ("client_id", "path", "sentence")
_SPLITS = frozenset({"train", "train_covost", "dev", "test"})


def open_covost2(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The pair `config` (en_de) of `split`: ids are the clips' names, clusters the speakers.

    Raises PrerequisiteError naming both forms when neither is there.
    """
    if dataset.config is None:
        raise UsageError("a dataset of source 'covost2' has no config; expected a pair, e.g. `config: en_de`")
    split = dataset.split or "test"
    joined, published = f"covost_v2.{dataset.config}.{split}.tsv", f"covost_v2.{dataset.config}.tsv"
    parts = ("", "en/", "covost2/")
    places = [part + name for name in (joined, published) for part in parts]
    path = find(dataset, folder, places, f"the pair {dataset.config} of CoVoST 2")
    clips = first_folder(folder, ("clips", "en/clips"))
    if path.name == joined:
        read = remembered([path], [str(clips)], partial(_joined, path, clips))
        return AnnotatedSource(read, lambda: items_stamp(read()))
    validated = find(dataset, folder, ("validated.tsv", "en/validated.tsv"), "Common Voice's validated.tsv")
    read = remembered([path, validated], [split, str(clips)], partial(_published, path, validated, split, clips))
    return AnnotatedSource(read, lambda: items_stamp(read()), remarks=partial(_lost, path, split, read, validated.name))


def _joined(path: Path, clips: Path) -> Iterator[Item]:
    for number, row in table(path, _JOINED, _TSV, "CoVoST 2's joined rows"):
        yield _item(path, number, row["path"], row["sentence"], row["translation"], row["client_id"], clips)


def _published(path: Path, validated: Path, split: str, clips: Path) -> Iterator[Item]:
    """The split's rows whose clip stands in Common Voice's table: an inner join, as the corpus's script makes it."""
    wanted = dict.fromkeys(row["path"] for _, row in _rows_of(path, split))
    spoken: dict[str, tuple[str, str]] = {}
    for _, row in table(validated, _VALIDATED, _TSV, "Common Voice's validated clips"):
        if row["path"] in wanted:
            spoken[row["path"]] = row["sentence"], row["client_id"]
    for number, row in _rows_of(path, split):
        if row["path"] in spoken:
            sentence, speaker = spoken[row["path"]]
            yield _item(path, number, row["path"], sentence, row["translation"], speaker, clips)


def _rows_of(path: Path, split: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in table(path, _PUBLISHED, _TSV, "CoVoST 2's translations"):
        if row["split"] not in _SPLITS:
            raise UsageError(
                f"{path}:{number}: split is {row['split']!r}; expected one of {', '.join(sorted(_SPLITS))}"
            )
        if row["split"] == split:
            yield number, row


def _item(path: Path, line: int, clip: str, sentence: str, translation: str, speaker: str, clips: Path) -> Item:
    audio = Clip((AudioRef(str(clips / clip)),))
    sample = Sample(Path(clip).stem, (audio,), {"transcript": sentence.strip()}, (translation.strip(),), (), (speaker,))
    return Item(str(path), line, sample)


def _lost(path: Path, split: str, read: Callable[[], Iterator[Item]], validated: str) -> Iterator[str]:
    lost = sum(1 for _ in _rows_of(path, split)) - sum(1 for _ in read())
    if lost:
        yield f"{lost} clips of {path.name} stand in no row of {validated}; expected Common Voice 4, English"
