"""LibriMix: two LibriSpeech utterances mixed by the gains of a CSV (Cosentino et al. 2020).

Mixes that LibriMix's scripts made are read where they lie; otherwise sources are mixed here by the metadata's gains.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import find
from salmonn_eval.data.corpora.text import CSV, lines, table
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_COLUMNS = ("mixture_ID", "source_1_path", "source_1_gain", "source_2_path", "source_2_gain")
_CONFIG = "Libri2Mix/wav16k/max/mix_clean"
_METADATA = "libri2mix_test-clean.csv"


class _Set(Struct, frozen=True):
    """What is read: the metadata, the folder of ready mixes (None: mix here), LibriSpeech; `shortest` cuts to that."""

    metadata: Path
    mixes: Path | None
    speech: Path
    shortest: bool


def open_librimix(dataset: DatasetSpec, folder: Path, beside: Mapping[str, Path]) -> AnnotatedSource:
    """The mixtures of the metadata; references are the two transcripts, clusters the two speakers.

    `folder` is LibriMix's storage folder or its repository; LibriSpeech is looked for below it, beside it, or where
    `--data librispeech=DIR` says. `config` is Libri2Mix/wav16k/max/mix_clean, or min in place of max.
    """
    config = PurePosixPath(dataset.config or _CONFIG)
    if (
        config.parts[:2] != ("Libri2Mix", "wav16k")
        or config.name != "mix_clean"
        or config.parts[2] not in ("min", "max")
    ):
        raise UsageError(f"LibriMix: config {dataset.config!r} is not read; expected {_CONFIG}, or min in place of max")
    places = [f"{part}{_METADATA}" for part in ("metadata/Libri2Mix/", "LibriMix/metadata/Libri2Mix/", "")]
    metadata = find(dataset, folder, places, f"LibriMix's {_METADATA}")
    mixes = folder / config.parent / "test" / config.name
    found = _Set(metadata, mixes if mixes.is_dir() else None, _librispeech(folder, beside), config.parts[2] == "min")
    return AnnotatedSource(partial(_items, found), partial(files_stamp, [metadata], metadata.parent))


def _librispeech(folder: Path, beside: Mapping[str, Path]) -> Path:
    given = beside.get("librispeech")
    places = [given / "LibriSpeech", given] if given else [folder / "LibriSpeech", folder.parent / "LibriSpeech"]
    for place in places:
        if (place / "test-clean").is_dir():
            return place
    raise PrerequisiteError(
        f"{places[0]}: LibriMix needs LibriSpeech's test-clean for its transcripts; expected it there "
        "(https://www.openslr.org/12 : test-clean.tar.gz): say --data librispeech=DIR"
    )


def _items(found: _Set) -> Iterator[Item]:
    transcript = lru_cache(maxsize=256)(partial(_chapter, found.speech))
    for number, row in table(found.metadata, _COLUMNS, CSV, "LibriMix's metadata"):
        where = f"{found.metadata}:{number}"
        sources = [PurePosixPath(row[f"source_{n}_path"]) for n in (1, 2)]
        texts = tuple(_text(transcript, source, where) for source in sources)
        speakers = tuple(dict.fromkeys(source.stem.partition("-")[0] for source in sources))
        sample = Sample(
            row["mixture_ID"], (_clip(found, row, where),), {"transcript": " ".join(texts)}, texts, cluster=speakers
        )
        yield Item(str(found.metadata), number, sample)


def _clip(found: _Set, row: Mapping[str, str], where: str) -> Clip:
    if found.mixes is not None:
        return Clip((AudioRef(str(found.mixes / f"{row['mixture_ID']}.wav")),))
    gains = tuple(_gain(row, f"source_{n}_gain", where) for n in (1, 2))
    parts = tuple(AudioRef(str(found.speech / row[f"source_{n}_path"])) for n in (1, 2))
    return Clip(parts, join="mix", gains=gains, mix_length="min" if found.shortest else "max")


def _gain(row: Mapping[str, str], column: str, where: str) -> float:
    try:
        gain = float(row[column])
    except ValueError as fault:
        raise UsageError(f"{where}: {column} is {row[column]!r}; expected a linear gain, a number") from fault
    if not 0 < gain < float("inf"):
        raise UsageError(f"{where}: {column} is {gain:g}; expected a positive gain")
    return gain


def _text(transcript: Callable[[PurePosixPath], Mapping[str, str]], source: PurePosixPath, where: str) -> str:
    texts = transcript(source.parent)
    if source.stem not in texts:
        raise UsageError(
            f"{where}: LibriSpeech has no transcript of {source.stem} in {source.parent}; expected its text"
        )
    return texts[source.stem]


def _chapter(speech: Path, chapter: PurePosixPath) -> dict[str, str]:
    """Utterance to text of one chapter (`test-clean/SPEAKER/CHAPTER`); empty where it is not there."""
    path = speech / chapter / f"{chapter.parent.name}-{chapter.name}.trans.txt"
    if not path.is_file():
        return {}
    pairs = (line.partition(" ") for _, line in lines(path, "LibriSpeech's transcripts") if line.strip())
    return {utterance: text.strip() for utterance, _, text in pairs}
