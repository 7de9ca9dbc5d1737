"""GigaSpeech: one JSON of recordings with their segments, beside long OPUS files (Chen et al. 2021).

Tags are taken out of references, and a segment whose reference has no word besides is left out of what is asked. The
corpus's own scorer (utils/gigaspeech_scoring.py) strikes the same tags, and fifteen fillers such as UH, from both
texts, but keeps such a segment with an empty reference: each word answered there is an insertion. Fillers are left to
the normalizer here.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, items_stamp
from salmonn_eval.data.corpora.index import remembered
from salmonn_eval.data.corpora.json_stream import elements
from salmonn_eval.data.corpora.layout import find
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

PUNCTUATION = frozenset({"<COMMA>", "<PERIOD>", "<QUESTIONMARK>", "<EXCLAMATIONPOINT>"})
NOT_SPEECH = frozenset({"<SIL>", "<MUSIC>", "<NOISE>", "<OTHER>"})
UNKNOWN = frozenset({"<UNK>", "<unk>"})
TAGS = PUNCTUATION | NOT_SPEECH | UNKNOWN
_WHAT = "GigaSpeech's annotation"
_LEFT_OUT = "the reference is tags only (no words)"


class Segment(Struct, frozen=True):
    """One stretch of a recording, in seconds."""

    sid: str
    begin_time: float
    end_time: float
    text_tn: str
    subsets: tuple[str, ...]


class Recording(Struct, frozen=True):
    """One long file; `path` is relative to the corpus."""

    aid: str
    path: str
    segments: tuple[Segment, ...]


def open_gigaspeech(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The segments of subset `split` (test): ids are the sids, clusters the recordings (speakers are not known)."""
    path = find(dataset, folder, ("GigaSpeech.json", "gigaspeech/GigaSpeech.json"), "GigaSpeech.json")
    subset = f"{{{(dataset.split or 'test').upper()}}}"
    read = remembered([path], [subset], partial(_items, path, subset))
    tags = (("tags", "off,tags-only-left-out"),)
    return AnnotatedSource(read, lambda: items_stamp(read()), protocol=tags)


def _items(path: Path, subset: str) -> Iterator[Item]:
    for line, value in elements(path, "audios", _WHAT):
        try:
            recording = msgspec.convert(value, Recording)
        except msgspec.ValidationError as fault:
            raise UsageError(f"{path}:{line}: not a recording of GigaSpeech: {fault}; expected {_WHAT}") from fault
        for segment in recording.segments:
            if subset in segment.subsets:
                yield _item(path, line, recording, segment)


def _item(path: Path, line: int, recording: Recording, segment: Segment) -> Item:
    if not 0 <= segment.begin_time < segment.end_time:
        raise UsageError(
            f"{path}:{line}: {segment.sid} goes from {segment.begin_time:g} s to {segment.end_time:g} s; "
            "expected a stretch of some length"
        )
    audio = AudioRef(str(path.parent / recording.path), start_s=segment.begin_time, end_s=segment.end_time)
    text = spoken(segment.text_tn)
    sample = Sample(segment.sid, (Clip((audio,)),), {"transcript": text}, (text,), cluster=(recording.aid,))
    return Item(str(path), line, sample, None if text else _LEFT_OUT)


def spoken(text: str) -> str:
    """The words of a reference, without tags."""
    return " ".join(word for word in text.split() if word not in TAGS)
