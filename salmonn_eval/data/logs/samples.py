"""From log items to samples with ids that do not depend on the row."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from salmonn_eval.canonical import fingerprint
from salmonn_eval.data.logs.item import LogItem, LogReading
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample

_MATERIAL = {"asr": "transcript", "pr": "phones"}


def samples(reading: LogReading, task: str) -> Iterator[tuple[Sample, LogItem]]:
    """Pair each item of a log with the sample it answers, for `task` (an id such as `asr`).

    Without an id of its own an item is named by a hash of its references (or of what the format says identifies it) and
    by how often that hash occurred before: `9f86d081884c7d65`, then `9f86d081884c7d65-2`. Samples carry no audio. The
    cluster is the speaker where the log names one, else empty. Raises UsageError for an id that appears twice.
    """
    seen: Counter[str] = Counter()
    for number, item in enumerate(reading.items, start=1):
        name = item.id if item.id is not None else fingerprint(item.hashed or item.references)
        seen[name] += 1
        if item.id is not None and seen[name] > 1:
            raise UsageError(f"{reading.path}: item {number}: id {name!r} appears twice; expected one answer per id")
        yield to_sample(item, task, name if seen[name] == 1 else f"{name}-{seen[name]}"), item


def to_sample(item: LogItem, task: str, sample_id: str) -> Sample:
    """The sample behind one item; what the log does not tell stays empty. A transcript or phones are also material."""
    fields: dict[str, Any] = {_MATERIAL[task]: item.references[0]} if task in _MATERIAL else {}
    cluster = () if item.speaker is None else (item.speaker,)
    return Sample(id=sample_id, fields=fields, references=item.references, cluster=cluster)
