"""What every source is made of: annotated items read one by one, of which those with audio on disk are samples."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from salmonn_eval.data.cells import CELL_SCHEME
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import Sample


class Item(Struct, frozen=True):
    """One annotated item and where it stands: `line` of `file`, from 1 (entry or row number where it has no lines)."""

    file: str
    line: int
    sample: Sample


class SampleSource(Protocol):
    """A test set as it lies on disk."""

    def items(self) -> Iterator[Item]:
        """Every annotated item in the set's own order, whether its audio is there or not."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Items whose audio is there. Streams; ids are unique."""
        ...

    def absent(self) -> tuple[str, ...]:
        """Ids of the items whose audio is not there: unplanned, shown as n of N."""
        ...

    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of the annotation, whatever folder it lies in."""
        ...


class AnnotatedSource:
    """A SampleSource over any reader: `read` starts a new pass over the items, `stamp` hashes the annotation."""

    def __init__(self, read: Callable[[], Iterator[Item]], stamp: Callable[[], str]) -> None:
        self._read = read
        self._stamp = stamp

    def items(self) -> Iterator[Item]:
        """See SampleSource; raises UsageError for malformed annotation and for a sample of more than two clusters."""
        for item in self._read():
            if len(item.sample.cluster) > 2:
                names = ", ".join(item.sample.cluster)
                raise UsageError(
                    f"{item.file}:{item.line}: {len(item.sample.cluster)} members of the cluster ({names}); expected "
                    "one, or two for a pair"
                )
            yield item

    def samples(self) -> Iterator[Sample]:
        """See SampleSource.

        Raises UsageError naming both places of a repeated id, PrerequisiteError when not one item has its audio.
        """
        seen: dict[str, tuple[str, int]] = {}
        first_absent: str | None = None
        present = 0
        for item in self.items():
            sample = item.sample
            earlier = seen.setdefault(sample.id, (item.file, item.line))
            if earlier != (item.file, item.line):
                raise UsageError(
                    f"{item.file}:{item.line}: id {sample.id!r} stands already in {earlier[0]}:{earlier[1]}; "
                    "expected a different id for every item"
                )
            missing = absent_file(sample)
            if missing is None:
                present += 1
                yield sample
            else:
                first_absent = first_absent or missing
        if first_absent and not present:
            raise PrerequisiteError(
                f"{item.file}: none of the {len(seen)} audio files it names is on disk (the first is {first_absent}); "
                "expected them there: correct the paths, or say --data CORPUS=DIR"
            )

    def absent(self) -> tuple[str, ...]:
        """See SampleSource."""
        return tuple(item.sample.id for item in self.items() if absent_file(item.sample) is not None)

    def fingerprint(self) -> str:
        """See SampleSource."""
        return self._stamp()


def absent_file(sample: Sample) -> str | None:
    """The first audio file of a sample that is not on disk; None when all are there."""
    for clip in sample.clips:
        for ref in clip.parts:
            if ref.path and not ref.path.startswith(CELL_SCHEME) and not _is_there(Path(ref.path)):
                return ref.path
    return None


def _is_there(path: Path) -> bool:
    """Whether a path exists; one that the system refuses to look at (no permission, name too long) does not."""
    try:
        return path.exists()
    except OSError:
        return False


def files_stamp(files: Sequence[Path], root: Path) -> str:
    """Hexadecimal SHA-256 over names (relative to `root`) and bytes of files, in the order given."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def identified(reference: Iterable[str], occurrences: dict[str, int]) -> str:
    """An id for an item without one: hash of its reference and how often that was seen before; never a row number."""
    digest = hashlib.sha256("\n".join(reference).encode()).hexdigest()[:12]
    occurrences[digest] = occurrences.get(digest, 0) + 1
    return f"{digest}-{occurrences[digest]}"
