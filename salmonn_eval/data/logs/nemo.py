"""NeMo-style manifests with predictions, as NeMo's transcription scripts and the Open ASR leaderboard write them.

JSON Lines of `audio_filepath`, `duration` (seconds), `text` (the reference) and `pred_text`, optionally `offset`
(seconds) and `speaker`. The leaderboard writes `sample_<row number>` where a dataset has no file names: that is no id.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salmonn_eval.data.logs.item import LogFormat, LogItem
from salmonn_eval.data.logs.source import Row, rows
from salmonn_eval.errors import UsageError

_USED = ("audio_filepath", "duration", "text", "pred_text", "speaker")
_ROW_NUMBER = re.compile(r"sample_\d+")
_FILE_NAME = re.compile(r"MODEL_(?P<model>.+)_DATASET_(?P<dataset>.+?)\.jsonl?(\.gz)?")


def _recognises(row: dict[str, Any]) -> bool:
    return "pred_text" in row and "text" in row


def _items(path: Path) -> Iterator[LogItem]:
    short = _file_names_suffice(path)
    for row in rows(path):
        if "parent_id" in row.data and "chunk_index" in row.data:
            raise UsageError(
                f"{row.where}: a chunk of a longer recording beside the reference of the whole; "
                "expected one row per recording: join the chunks' 'pred_text' first"
            )
        prediction, audio = row.optional_text("pred_text"), _audio(row)
        yield LogItem(
            id=None if audio is None else _id(row, audio, short),
            prediction=prediction,
            references=(row.text("text"),),
            audio=audio,
            duration_s=_number(row, "duration"),
            speaker=None if row.first("speaker") is None else str(row.first("speaker")),
            fields=row.rest(*_USED),
            error="the log holds no prediction" if prediction is None else None,
        )


def _audio(row: Row) -> str | None:
    name = row.optional_text("audio_filepath")
    return None if not name or _ROW_NUMBER.fullmatch(name) else name


def _id(row: Row, audio: str, short: bool) -> str:
    offset = _number(row, "offset")
    file = re.split(r"[/\\]", audio)[-1]
    name = (file.rpartition(".")[0] or file) if short else audio
    return name if offset is None else f"{name}@{offset:g}"


def _file_names_suffice(path: Path) -> bool:
    """Whether file names without folders are unique: folders differ from machine to machine, so ids avoid them."""
    seen: set[str] = set()
    for row in rows(path):
        if audio := _audio(row):
            name = _id(row, audio, short=True)
            if name in seen:
                return False
            seen.add(name)
    return True


def _number(row: Row, key: str) -> float | None:
    value = row.first(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise UsageError(f"{row.where}: {key!r} is {value!r}, expected seconds as a number")


def _about(path: Path) -> dict[str, str]:
    found = _FILE_NAME.fullmatch(path.name)
    return {"tool": "NeMo manifest"} | (found.groupdict() if found else {})


FORMAT = LogFormat("nemo", "NeMo-style manifest with pred_text (Open ASR leaderboard)", _recognises, _items, _about)
