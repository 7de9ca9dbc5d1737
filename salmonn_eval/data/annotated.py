"""What every source is made of: annotated items read one by one, of which those with audio on disk are samples."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from salmonn_eval.canonical import canonical
from salmonn_eval.data.cells import CELL_SCHEME
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import Sample


class Item(Struct, frozen=True):
    """One annotated item and where it stands: `line` of `file`, from 1 (entry or row number where it has no lines).

    `left_out` says why it is not asked although it is annotated (a reference without a word, say): shown as n of N.
    """

    file: str
    line: int
    sample: Sample
    left_out: str | None = None


Settled = tuple[tuple[str, str], ...]


class SampleSource(Protocol):
    """A test set as it lies on disk."""

    def items(self) -> Iterator[Item]:
        """Every annotated item in the set's own order, whether its audio is there or not."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Items whose audio is there and that are not left out. Streams; ids are unique."""
        ...

    def absent(self) -> tuple[str, ...]:
        """Ids of the items that are not asked, their audio not being there or left out: shown as n of N."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """What one should know of the data before a run, a sentence each: left-out items, lacking metadata."""
        ...

    @property
    def protocol(self) -> Settled:
        """What was settled in making the data (a voice, a lexicon, a rule for tags): part of every signature."""
        ...

    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of the annotation, whatever folder it lies in."""
        ...


class AnnotatedSource:
    """A SampleSource over any reader: `read` starts a new pass over the items, `stamp` hashes the annotation.

    `remarks` yields the reader's own sentences; see SampleSource for `protocol`.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[Item]],
        stamp: Callable[[], str],
        *,
        remarks: Callable[[], Iterable[str]] = tuple,
        protocol: Settled = (),
    ) -> None:
        self._read = read
        self._stamp = stamp
        self._remarks = remarks
        self.protocol = protocol

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
            if item.left_out is not None:
                continue
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
        return tuple(item.sample.id for item in self.items() if item.left_out or absent_file(item.sample) is not None)

    def remarks(self) -> tuple[str, ...]:
        """See SampleSource."""
        left = Counter(item.left_out for item in self.items() if item.left_out is not None)
        return (*self._remarks(), *(f"{count} items are not asked: {why}" for why, count in sorted(left.items())))

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


def items_stamp(items: Iterable[Item]) -> str:
    """Hexadecimal SHA-256 over what items say, whatever folder their audio lies in: for annotation too big to hash."""
    digest = hashlib.sha256()
    for item in items:
        sample = item.sample
        cuts = [(ref.start_s, ref.end_s) for clip in sample.clips for ref in clip.parts]
        said = [sample.id, sample.fields, sample.references, sample.labels, sample.cluster, sample.group]
        digest.update(canonical([said, cuts, item.left_out]))
    return digest.hexdigest()


def identified(reference: Iterable[str], occurrences: dict[str, int]) -> str:
    """An id for an item without one: hash of its reference and how often that was seen before; never a row number."""
    digest = hashlib.sha256("\n".join(reference).encode()).hexdigest()[:12]
    occurrences[digest] = occurrences.get(digest, 0) + 1
    return f"{digest}-{occurrences[digest]}"
