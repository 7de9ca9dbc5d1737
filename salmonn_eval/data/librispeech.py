"""LibriSpeech in its own layout: ROOT/split/speaker/chapter/*.trans.txt beside FLAC files, ROOT/SPEAKERS.TXT."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.text import lines
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_WHAT = "LibriSpeech's transcripts"
_GENDERS = {"F": "female", "M": "male"}


def open_librispeech(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The dataset's `split` below `folder`, which may also be the folder that holds `LibriSpeech/`.

    Raises PrerequisiteError when the split or its transcripts are not there.
    """
    if dataset.split is None:
        raise UsageError("a dataset of source 'librispeech' has no split; expected for example `split: test-clean`")
    inner = folder / "LibriSpeech"
    root = inner if inner.is_dir() else folder
    transcripts = sorted((root / dataset.split).glob("*/*/*.trans.txt"))
    if not transcripts:
        raise PrerequisiteError(
            f"{root / dataset.split}: no transcripts; expected SPEAKER/CHAPTER/*.trans.txt: "
            f"say --data {dataset.corpus or 'librispeech'}=DIR with the folder that holds {dataset.split}"
        )
    items = partial(_items, transcripts, root / "SPEAKERS.TXT", dataset.cluster == "speaker")
    return AnnotatedSource(items, partial(files_stamp, transcripts, root))


def _items(transcripts: Sequence[Path], speakers: Path, clustered: bool) -> Iterator[Item]:
    genders = read_genders(speakers) if speakers.is_file() else {}
    for path in transcripts:
        speaker = path.parent.parent.name
        group = {"gender": genders[speaker]} if speaker in genders else {}
        for number, line in lines(path, _WHAT):
            utterance, _, text = line.strip().partition(" ")
            if not utterance:
                continue
            if not text:
                raise UsageError(f"{path}:{number}: {line!r} has no transcript; expected an utterance id and its text")
            audio = AudioRef(str(path.with_name(f"{utterance}.flac")))
            cluster = (speaker,) if clustered else ()
            sample = Sample(utterance, (Clip((audio,)),), {"transcript": text}, (text,), cluster=cluster, group=group)
            yield Item(str(path), number, sample)


def read_genders(path: Path) -> dict[str, str]:
    """Speaker id to `female` or `male`, from the rows `ID | SEX | SUBSET | MINUTES | NAME` of SPEAKERS.TXT."""
    rows = (
        line.split("|")
        for _, line in lines(path, "LibriSpeech's table of speakers")
        if line.strip() and not line.startswith(";")
    )
    return {row[0].strip(): _GENDERS[row[1].strip()] for row in rows if len(row) > 1 and row[1].strip() in _GENDERS}
