"""The rows of a log file, plain or gzipped: JSON Lines as a stream, or one JSON document.

Other tools write Python's dialect of JSON, so `NaN` and `Infinity` are understood (as null) although JSON has no such
words.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from salmonn_eval.errors import UsageError


class Row(msgspec.Struct, frozen=True):
    """One JSON object of a log; `where` is `file:line` or `file: item N` for error messages."""

    where: str
    data: dict[str, Any]

    def text(self, *keys: str) -> str:
        """The string under the first of `keys` that is there. UsageError where none is, or where it is no string."""
        value = self.first(*keys)
        if isinstance(value, str):
            return value
        if not any(key in self.data for key in keys):
            found = ", ".join(sorted(self.data)) or "no keys"
            raise UsageError(f"{self.where}: key {' or '.join(map(repr, keys))} is missing (found {found})")
        raise UsageError(f"{self.where}: {keys[0]!r} is {json.dumps(value)[:60]}, expected a string")

    def first(self, *keys: str) -> Any:
        """The value under the first of `keys` that is there, else None."""
        for key in keys:
            if key in self.data:
                return self.data[key]
        return None

    def optional_text(self, *keys: str) -> str | None:
        """Like `text`, but None where the keys are absent or null."""
        value = self.first(*keys)
        return value if value is None or isinstance(value, str) else self.text(*keys)

    def rest(self, *used: str) -> dict[str, Any]:
        """Everything under keys other than `used`."""
        return {key: value for key, value in self.data.items() if key not in used}


def rows(path: Path) -> Iterator[Row]:
    """Yield the objects of a JSON Lines file one by one; UsageError with file and line for anything else."""
    for number, line in lines(path):
        where = f"{path}:{number}"
        value = decode(line, where)
        if not isinstance(value, dict):
            raise UsageError(f"{where}: a JSON {type(value).__name__}, expected one JSON object per line")
        yield Row(where, value)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, raw line) of a plain or gzipped file; blank lines are skipped."""
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as fault:
        raise UsageError(f"{path}: cannot be read ({_reason(fault)}); expected a result file, plain or .gz") from fault


def whole(path: Path) -> Any:
    """Decode a plain or gzipped file that is one JSON document; held in memory."""
    return decode(b"".join(line for _, line in lines(path)), str(path))


def decode(data: bytes, where: str) -> Any:
    """Decode UTF-8 JSON in Python's dialect; UsageError names the place."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as strict:
        try:
            value = json.loads(data.decode(), parse_constant=lambda _: None)
            msgspec.json.encode(value)  # a lone surrogate, which could not be stored, fails here
        except (ValueError, RecursionError) as fault:
            raise UsageError(f"{where}: not valid UTF-8 JSON: {fault}") from strict
        return value


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _reason(fault: Exception) -> str:
    return (isinstance(fault, OSError) and fault.strerror) or str(fault)
