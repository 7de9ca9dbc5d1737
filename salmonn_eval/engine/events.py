"""`events.jsonl`: what happened on the way (retries, truncations, warnings), for people and for later questions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["started", "resumed", "interrupted", "finished", "error", "truncated", "out-of-memory", "warning"]


class Event(Struct, frozen=True):
    """One thing that happened; `key` names the request where there is one."""

    at: str
    kind: Kind
    message: str
    key: str | None = None


class EventLog:
    """Appends events; each is flushed at once, since they are few."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, kind: Kind, message: str, key: str | None = None) -> None:
        """Add one event with the time in UTC."""
        event = Event(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", kind, message, key)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(event) + b"\n")
