"""Predictions on disk: append-only, one line per attempt, safe against a kill at any byte."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Shard
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.records import Prediction

_NO_MORE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE}
)


class PredictionWriter:
    """Append answers to the files of one process (one per question, or per shard of it).

    Every line is flushed: it costs a hundredth of a millisecond, and a kill loses no answer that was given.
    """

    def __init__(self, run: RunDirectory, shard: Shard | None) -> None:
        self._run = run
        self._shard = shard
        self._files: dict[str, IO[bytes]] = {}
        self._encode = msgspec.json.Encoder().encode

    def append(self, name: str, prediction: Prediction) -> None:
        """Store one answer. Raises IncompleteError when the disk refuses; what was written stays valid."""
        try:
            file = self._files.get(name) or self._open(name)
            file.write(self._encode(prediction) + b"\n")
            file.flush()
        except OSError as fault:
            raise self._refused(fault) from fault

    def close(self) -> None:
        """Flush and close; IncompleteError when the disk refuses the last lines."""
        try:
            for file in self._files.values():
                file.close()
        except OSError as fault:
            raise self._refused(fault) from fault

    def _open(self, name: str) -> IO[bytes]:
        path = self._run.predictions(name, self._shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_partial_line(path)
        self._files[name] = path.open("ab")
        return self._files[name]

    def _refused(self, fault: OSError) -> IncompleteError:
        return refused(self._run.path, fault)


def refused(run_dir: Path, fault: OSError) -> IncompleteError:
    """What a disk that takes no more means for a run."""
    return IncompleteError(
        f"{run_dir}: cannot be written ({fault.strerror}); every answer before is kept: free some space, then repeat "
        "the command to go on"
    )


@contextmanager
def writing(run_dir: Path) -> Iterator[None]:
    """Turn a disk that refuses (full, over quota, read-only, failing) into IncompleteError; other faults pass."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in _NO_MORE:
            raise
        raise refused(run_dir, fault) from fault


def drop_partial_line(path: Path) -> None:
    """Cut what a killed process left after the last line end, so that the next line starts clean."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep = size
        while keep > 0:
            start = max(0, keep - 65_536)
            file.seek(start)
            end = file.read(keep - start).rfind(b"\n")
            keep = start + end + 1 if end >= 0 else start
            if end >= 0:
                break
        if keep < size:
            file.truncate(keep)


class _Attempt(Struct, frozen=True):
    key: str
    finish: str
    cut_s: float = 0.0
    silent: bool = False


class AnswerIndex:
    """Where each key's answer stands: the last success, else the last error. Holds offsets, not texts.

    `failed` are the keys with nothing but errors, `cut` and `silent` those whose audio was cut or is digital silence.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = list(files)
        self._handles: list[IO[bytes]] = []
        self._at: dict[str, tuple[int, int]] = {}
        self.failed: set[str] = set()
        self.cut: set[str] = set()
        self.silent: set[str] = set()
        self._decode = msgspec.json.Decoder(Prediction).decode
        for number, path in enumerate(self._files):
            self._read(number, path)

    def __len__(self) -> int:
        return len(self._at)

    def successes(self) -> Iterator[str]:
        """Keys with an answer; those that only failed are asked again."""
        return (key for key in self._at if key not in self.failed)

    def attempted(self, key: str) -> bool:
        """Whether the key has an answer or an error."""
        return key in self._at

    def get(self, key: str) -> Prediction | None:
        """The answer that counts for a key, or None."""
        where = self._at.get(key)
        if where is None:
            return None
        while len(self._handles) < len(self._files):
            self._handles.append(self._files[len(self._handles)].open("rb"))
        handle = self._handles[where[0]]
        handle.seek(where[1])
        return self._decode(handle.readline())

    def close(self) -> None:
        """Close the files."""
        for handle in self._handles:
            handle.close()
        self._handles.clear()

    def _read(self, number: int, path: Path) -> None:
        decode = msgspec.json.Decoder(_Attempt).decode
        for offset, line in _lines(path):
            try:
                attempt = decode(line)
            except msgspec.MsgspecError as fault:
                raise UsageError(
                    f"{path}: byte {offset} is not a prediction ({fault}); delete the line that was changed by hand"
                ) from fault
            if attempt.finish == "error":
                if attempt.key in self._at and attempt.key not in self.failed:
                    continue
                self.failed.add(attempt.key)
            else:
                self.failed.discard(attempt.key)
            self._at[attempt.key] = (number, offset)
            for marked, mark in ((self.cut, attempt.cut_s > 0), (self.silent, attempt.silent)):
                (marked.add if mark else marked.discard)(attempt.key)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines with their offsets; a truncated last line is left out."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)
