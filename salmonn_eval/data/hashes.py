"""SHA-256 of audio files, remembered between runs."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from salmonn_eval.cachefolder import cache_folder
from salmonn_eval.data.encoded import content, expect_hash, sha256
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioRef, Clip

_TABLE = """CREATE TABLE IF NOT EXISTS audio (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 TEXT) WITHOUT ROWID"""
_LOOKUP = "SELECT sha256 FROM audio WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?"
_STORE = "INSERT OR REPLACE INTO audio VALUES (?, ?, ?, ?, ?)"
_BATCH = 500
_BUSY_S = 10.0
# A file changed just now may change again within one tick of the file system's clock: it is not remembered yet.
_SETTLED_NS = 2_000_000_000

_Identity = tuple[str, int, int, int]


class AudioHashes:
    """Hashes of encoded audio; those of files are cached in `folder`/audio-hashes.sqlite (None: `cache_folder()`).

    A file counts as unchanged while path, size, modification time and inode are. Several processes may share the
    folder. Where it cannot be written, or the file is no database, everything works without a cache. An instance
    belongs to the thread that made it; `close` (or leaving the `with` block) stores the last batch.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._database = _open(cache_folder() if folder is None else folder)
        self._known: dict[_Identity, str] = {}
        self._new: list[tuple[str, int, int, int, str]] = []

    def with_hashes(self, clip: Clip) -> Clip:
        """The clip with `sha256` of every part filled in.

        Raises AudioError for what cannot be read, and where a part states another hash than the audio has.
        """
        return msgspec.structs.replace(clip, parts=tuple(self._with_hash(ref) for ref in clip.parts))

    def _with_hash(self, ref: AudioRef) -> AudioRef:
        source = content(ref)
        found = sha256(source) if isinstance(source, bytes) else self.of_file(source)
        expect_hash(ref, found)
        return msgspec.structs.replace(ref, sha256=found)

    def of_file(self, path: Path) -> str:
        """Hexadecimal SHA-256 of a file's bytes; AudioError when it cannot be read."""
        try:
            status = path.stat()
            identity = (os.path.abspath(path), status.st_size, status.st_mtime_ns, status.st_ino)  # noqa: PTH100
            found = self._known.get(identity) or self._remembered(identity)
            if found is None:
                found = sha256(path)
                if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
                    self._remember(identity, found)
        except OSError as fault:
            raise AudioError(f"{path}: cannot be read ({fault.strerror}); expected an audio file") from fault
        return found

    def close(self) -> None:
        """Store what is new and let go of the cache."""
        self._store()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _remembered(self, identity: _Identity) -> str | None:
        if self._database is None:
            return None
        try:
            row = self._database.execute(_LOOKUP, identity).fetchone()
        except sqlite3.DatabaseError:
            self._give_up()
            return None
        return row[0] if row else None

    def _remember(self, identity: _Identity, found: str) -> None:
        if self._database is None:
            return
        self._known[identity] = found
        self._new.append((*identity, found))
        if len(self._new) >= _BATCH:
            self._store()

    def _store(self) -> None:
        if self._database is not None and self._new:
            try:
                with self._database:
                    self._database.executemany(_STORE, self._new)
            except sqlite3.DatabaseError:
                self._give_up()
        self._new.clear()
        self._known.clear()

    def _give_up(self) -> None:
        """Go on without a cache: a broken or locked one costs time, never a run."""
        if self._database is not None:
            with suppress(sqlite3.DatabaseError):
                self._database.close()
            self._database = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(folder: Path) -> sqlite3.Connection | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(folder / "audio-hashes.sqlite", timeout=_BUSY_S)
    except (OSError, sqlite3.DatabaseError):
        return None
    try:
        database.execute(_TABLE)
    except sqlite3.DatabaseError:
        database.close()
        return None
    return database
