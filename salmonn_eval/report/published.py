"""Numbers from papers and other projects (`results/published/`), as metric values, with how well they are attested."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, field

from salmonn_eval import yamlfile
from salmonn_eval.bundled import bundled
from salmonn_eval.engine.summarise import blank
from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue, Variant
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.tasks.spec import MetricSpec


class PublishedRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One number as its sources print it; `source` names entries of the file's `sources`."""

    system: str
    task: str
    dataset: str
    metric: str
    value: float | None
    attested: str
    independent_sources: int
    source: tuple[str, ...]
    following_rate: float | None = None
    note: str | None = None


class PublishedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of published numbers."""

    about: str
    sources: dict[str, str]
    results: tuple[PublishedRow, ...]


class PublishedColumn(Struct, frozen=True, forbid_unknown_fields=True):
    """What a published task, data set and metric is here: test set (`TASK:DATASET`), metric and unit."""

    task: str
    dataset: str
    metric: str
    here: str
    metric_id: str = field(name="as")
    factor: float = 1.0
    following: str | None = None


class Columns(Struct, frozen=True, forbid_unknown_fields=True):
    """`columns.yaml`: the mapping, the systems of the paper's Table 3 with their row names, those of the board."""

    columns: tuple[PublishedColumn, ...]
    table3: dict[str, str]
    board: tuple[str, ...]


class Published(Struct, frozen=True):
    """One published number in our terms. `weak`: one source only, or implausible."""

    value: MetricValue
    weak: bool
    attested: str
    sources: tuple[str, ...]
    note: str | None


def read_columns(folder: Path | None = None) -> Columns:
    """The mapping of published rows to our test sets."""
    return yamlfile.load((folder or bundled("results/published")) / "columns.yaml", Columns)


def read_published(folder: Path | None = None) -> list[Published]:
    """Every published number that is about a test set and a metric of ours, in the file's order.

    Raises UsageError (with file and line) for a file that does not fit, or a source that is not listed.
    """
    place = folder or bundled("results/published")
    columns = {(c.task, c.dataset, c.metric): c for c in read_columns(folder).columns}
    found: list[Published] = []
    for path in sorted(place.glob("*.yaml")):
        if path.name == "columns.yaml":
            continue
        file = yamlfile.load(path, PublishedFile)
        for row in file.results:
            unlisted = [name for name in row.source if name not in file.sources]
            if unlisted:
                raise UsageError(f"{path}: {row.system}, {row.task}: the source {unlisted[0]!r} is not under `sources`")
            if column := columns.get((row.task, row.dataset, row.metric)):
                found += _values(row, column, file)
    return found


def _values(row: PublishedRow, column: PublishedColumn, file: PublishedFile) -> Iterator[Published]:
    numbers = [(column.metric_id, row.value, column.factor)]
    if column.following is not None:
        numbers.append((column.following, row.following_rate, 1.0))
    for metric, number, factor in numbers:
        if number is not None:
            yield Published(
                value=_value(row.system, column.here, metric, number * factor),
                weak=row.independent_sources < 2 or "implausible" in row.attested,
                attested=row.attested,
                sources=tuple(file.sources[name] for name in row.source),
                note=row.note,
            )


def _value(system: str, here: str, metric: str, value: float) -> MetricValue:
    task, _, dataset = here.partition(":")
    empty = blank(system, task, dataset, MetricSpec(metric, headline=True), Variant())
    return msgspec.structs.replace(empty, value=value, signature=UNKNOWN)
