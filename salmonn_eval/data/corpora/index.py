"""Indexes of annotation that is slow to read, kept between runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from salmonn_eval.cachefolder import cache_folder
from salmonn_eval.canonical import fingerprint
from salmonn_eval.data.annotated import Item
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import encode_rows, read_rows, write_atomic

# Raised whenever a reader that is remembered makes other items of the same files.
_VERSION = 2
# A file changed just now may change again within one tick of the file system's clock: it is not remembered yet.
_SETTLED_NS = 2_000_000_000


def remembered(
    files: Sequence[Path], asked: Sequence[str], read: Callable[[], Iterator[Item]]
) -> Callable[[], Iterator[Item]]:
    """`read`, whose items are kept in the cache folder while path, size and time of `files` stay the same.

    `asked` is what else decides the items (a split, say). Where the cache cannot be written everything is read again;
    an index of earlier states of the files is replaced.
    """
    places = fingerprint([_VERSION, [str(path.absolute()) for path in files], list(asked)], 16)

    def items() -> Iterator[Item]:
        states = [path.stat() for path in files]
        state = fingerprint([[state.st_size, state.st_mtime_ns] for state in states], 16)
        kept = cache_folder() / "indexes" / f"{places}-{state}.jsonl"
        if kept.is_file():
            with suppress(UsageError):
                return iter([item for _, item in read_rows(kept, Item, what="index line")])
        found = list(read())
        if time.time_ns() - max(state.st_mtime_ns for state in states) > _SETTLED_NS:
            with suppress(OSError):
                write_atomic(kept, encode_rows(found))
                for earlier in kept.parent.glob(f"{places}-*.jsonl"):
                    if earlier != kept:
                        earlier.unlink()
        return iter(found)

    return items
