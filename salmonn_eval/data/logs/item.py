"""What any log comes down to, and what a format must offer to be read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct


class LogItem(Struct, frozen=True):
    """One answer that another tool recorded.

    `id` is the data's own, or None where the log has at most a row number. `hashed` is then what the id is made from;
    empty means the references. `prediction` None means that the log holds no answer, and `error` says why; an empty
    string is an answer. `instruction` and `audio` are as the log writes them, `duration_s` in seconds, `speaker` where
    the log names one. `fields` is whatever else the row says.
    """

    id: str | None
    prediction: str | None
    references: tuple[str, ...]
    instruction: str | None = None
    audio: str | None = None
    duration_s: float | None = None
    speaker: str | None = None
    fields: dict[str, Any] = {}
    error: str | None = None
    hashed: tuple[str, ...] = ()


class LogReading(Struct, frozen=True):
    """A log being read: its format, its items in file order (a stream, to be used once), and what it says of itself.

    `about` holds only what the log tells, under names such as `tool`, `model`, `dataset`, `task`, `texts` and
    `reported.wer`; a missing key means unknown.
    """

    path: Path
    format: str
    items: Iterator[LogItem]
    about: dict[str, str]


class LogFormat(Struct, frozen=True):
    """How one tool's files are told from others (`recognises`, from the first row), read, and described."""

    name: str
    title: str
    recognises: Callable[[dict[str, Any]], bool]
    items: Callable[[Path], Iterator[LogItem]]
    about: Callable[[Path], dict[str, str]]
