"""SLURP: utterances with slots and recordings, one JSON a line, beside a folder of FLACs (Bastianelli et al. 2020).

One item per recording and slot type, all fillers of the type as references. Every recording of the list is asked,
close to the mouth (headset) and far from it: the paper does not say which it took.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import find, first_folder
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_rows, read_whole
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

UTTERANCES: Mapping[str, int] = {"test": 2974, "devel": 2033, "train": 11514}
"""Lines of the published files."""
_AUDIO = ("audio/slurp_real", "slurp_real", "scripts/audio/slurp_real", "")


class Token(Struct, frozen=True):
    """One word of the utterance."""

    surface: str


class Entity(Struct, frozen=True):
    """A slot: its type and the places of its tokens."""

    type: str
    span: tuple[int, ...]


class Recording(Struct, frozen=True):
    """One reading of the utterance."""

    file: str


class Utterance(Struct, frozen=True):
    """One line."""

    slurp_id: int
    sentence: str
    tokens: tuple[Token, ...]
    entities: tuple[Entity, ...]
    recordings: tuple[Recording, ...]


class _Reading(Struct, frozen=True):
    usrid: str | None = None


class _Metadata(Struct, frozen=True):
    recordings: dict[str, _Reading] = {}


def open_slurp(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The slots of `SPLIT.jsonl`: ids are RECORDING/SLOT, clusters the `usrid` of metadata.json where that is there."""
    split = dataset.split or "test"
    path = find(dataset, folder, (f"{split}.jsonl", f"dataset/slurp/{split}.jsonl"), f"SLURP's {split}.jsonl")
    metadata = path.with_name("metadata.json")
    read = partial(_items, path, metadata, first_folder(folder, _AUDIO))
    return AnnotatedSource(
        read, partial(files_stamp, [path], path.parent), remarks=partial(_remarks, path, metadata, split)
    )


def _items(path: Path, metadata: Path, audio: Path) -> Iterator[Item]:
    speakers = dict(_speakers(metadata)) if metadata.is_file() else {}
    for number, utterance in read_rows(path, Utterance, what="utterance of SLURP"):
        slots = _slots(utterance, f"{path}:{number}")
        for recording in utterance.recordings:
            cluster = (speakers[recording.file],) if recording.file in speakers else ()
            clip = Clip((AudioRef(str(audio / recording.file)),))
            for slot, fillers in slots.items():
                fields = {"transcript": utterance.sentence, "slot": slot, "slots": slots}
                id_ = f"{Path(recording.file).stem}/{slot}"
                yield Item(str(path), number, Sample(id_, (clip,), fields, tuple(fillers), (), cluster, {"slot": slot}))


def _slots(utterance: Utterance, where: str) -> dict[str, list[str]]:
    """Fillers by slot type, each once, in the order of the utterance."""
    slots: dict[str, list[str]] = {}
    for entity in utterance.entities:
        if not entity.span or not all(0 <= place < len(utterance.tokens) for place in entity.span):
            raise UsageError(
                f"{where}: slot {entity.type!r} spans tokens {list(entity.span)} of {len(utterance.tokens)}; "
                "expected places of tokens, from 0"
            )
        filler = " ".join(utterance.tokens[place].surface for place in entity.span)
        fillers = slots.setdefault(entity.type, [])
        if filler not in fillers:
            fillers.append(filler)
    return slots


def _speakers(metadata: Path) -> Iterator[tuple[str, str]]:
    for entry in read_whole(metadata, dict[str, _Metadata], what="SLURP's metadata").values():
        for file, reading in entry.recordings.items():
            if reading.usrid:
                yield file, reading.usrid


def _remarks(path: Path, metadata: Path, split: str) -> Iterator[str]:
    count = sum(1 for _ in read_rows(path, Utterance, what="utterance of SLURP"))
    if split in UTTERANCES and count != UTTERANCES[split]:
        yield f"{path.name} has {count:,} utterances; SLURP's has {UTTERANCES[split]:,}"
    if not metadata.is_file():
        yield f"no {metadata.name} beside {path.name}: speakers are not known, items are resampled"
