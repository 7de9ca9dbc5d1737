"""JSON Lines and atomic files: what every stored thing is made of."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from salmonn_eval.errors import UsageError

T = TypeVar("T")

# What editors on Windows put in front of UTF-8.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_rows(
    path: Path, type_: type[T], *, what: str = "row", span: tuple[int, int] | None = None
) -> Iterator[tuple[int, T]]:
    """Yield (line number from 1, record) of a JSONL file, or of its bytes in `span`; blank lines are skipped.

    Raises UsageError naming file and line for anything that is not UTF-8 JSON of the expected shape.
    """
    decoder = msgspec.json.Decoder(type_)
    try:
        with path.open("rb") as file:
            left = span[1] - file.seek(span[0]) if span else math.inf
            for number, read in enumerate(file, start=1):
                line = read.removeprefix(_BYTE_ORDER_MARK) if number == 1 else read
                if (left := left - len(read)) < 0:
                    return
                if line.strip():
                    yield number, _decode(decoder.decode, line, f"{path}:{number}", what)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected a JSONL file") from fault


def read_whole(path: Path, type_: type[T], *, what: str) -> T:
    """Read one JSON file as `type_`; UsageError names the file and the field."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected {what}") from fault
    return _decode(msgspec.json.Decoder(type_).decode, data.removeprefix(_BYTE_ORDER_MARK), str(path), what)


def _decode(decode: Callable[[bytes], T], data: bytes, where: str, what: str) -> T:
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise UsageError(f"{where}: not a valid {what}: {fault}; expected UTF-8 JSON") from fault


@contextmanager
def creating(path: Path) -> Iterator[None]:
    """While a command's own folder `path` is made: UsageError where the system refuses."""
    try:
        yield
    except OSError as fault:
        raise UsageError(f"{path}: cannot be created ({fault.strerror}); give a writable folder with --out") from fault


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that appears, whole, when the block ends: no reader and no kill sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a whole file at once, or nothing."""
    with atomic(path) as file:
        file.writelines(chunks)


def write_json(path: Path, value: Any) -> None:
    """Write one value as indented JSON, atomically."""
    write_atomic(path, [msgspec.json.format(msgspec.json.encode(value), indent=1), b"\n"])


def encode_rows(rows: Iterable[Any]) -> Iterator[bytes]:
    """Encode records as JSON lines, in order."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield encoder.encode(row) + b"\n"
