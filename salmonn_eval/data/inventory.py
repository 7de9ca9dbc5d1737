"""What a test set holds on this disk: found, partial or missing, counted and measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from salmonn_eval.data.annotated import absent_file
from salmonn_eval.data.encoded import probe
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.records import AudioRef, Sample
from salmonn_eval.tasks.spec import DatasetSpec


class Stock(Struct, frozen=True):
    """A test set as it lies there: `present` of `items` can be asked, `left_out` are not meant to be.

    `seconds` is of the audio that is asked, each stretch of a file once; `size` the bytes of its files, each once.
    `remarks` are sentences about it, `why` is the one that says what is missing.
    """

    status: Literal["found", "partial", "missing"]
    items: int = 0
    present: int = 0
    left_out: int = 0
    expected: int | None = None
    seconds: float = 0.0
    size: int = 0
    remarks: tuple[str, ...] = ()
    why: str | None = None


def take_stock(dataset: DatasetSpec, root: Path, data_dirs: Mapping[str, Path]) -> Stock:
    """Count a test set and measure its audio; `root` is the folder of the task definitions.

    A corpus of which files or items are missing is partial; raises UsageError for malformed annotation.
    """
    counted = _Counted()
    try:
        source = open_source(dataset, root, data_dirs)
        for item in source.items():
            counted.items += 1
            if item.left_out is not None:
                counted.left_out += 1
            elif absent_file(item.sample) is None:
                counted.add(item.sample)
    except PrerequisiteError as fault:
        return Stock("missing", expected=dataset.n_expected, why=str(fault))
    whole = counted.present + counted.left_out == counted.items and dataset.n_expected in (None, counted.items)
    return Stock(
        "found" if whole else "partial" if counted.present else "missing",
        counted.items,
        counted.present,
        counted.left_out,
        dataset.n_expected,
        round(sum(counted.lengths.values()), 3),
        sum(counted.sizes.values()),
        source.remarks(),
        None if counted.present else "not one audio file that it names is there",
    )


class _Counted:
    """Running counts over the items of one test set."""

    def __init__(self) -> None:
        self.items = self.left_out = self.present = 0
        self.lengths: dict[AudioRef, float] = {}
        self.sizes: dict[str, int] = {}

    def add(self, sample: Sample) -> None:
        """Count a sample, and measure what of its audio was not met before."""
        self.present += 1
        for ref in (ref for clip in sample.clips for ref in clip.parts):
            if ref not in self.lengths:
                self.lengths[ref] = probe(ref) or 0.0
            if ref.path and ref.path not in self.sizes:
                path = Path(ref.path)
                self.sizes[ref.path] = path.stat().st_size if path.is_file() else 0
