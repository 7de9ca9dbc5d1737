"""Systems below each other, tasks side by side in the paper's order: the table that goes into a paper."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue, Variant
from salmonn_eval.report.cells import UNIT_MARK, number, variant_name
from salmonn_eval.report.doubts import coverage, mixing
from salmonn_eval.report.order import METRIC_NAMES, PAPER_NAMES, task_place
from salmonn_eval.report.rows import UNKNOWN

BRACKETS = "Brackets: 95 % interval. Bold: best of its column, ties included. n: samples scored."


class Column(Struct, frozen=True):
    """One headline metric of one test set."""

    task: str
    dataset: str
    metric: str
    unit: str
    better: str
    grade: str = ""

    @property
    def heading(self) -> tuple[str, str, str]:
        """Task (with its grade, where columns are graded), test set, and metric with unit and arrow, as printed."""
        arrow = "↓" if self.better == "lower" else "↑"
        metric = f"{METRIC_NAMES.get(self.metric, self.metric)}{UNIT_MARK[self.unit]} {arrow}"
        task = PAPER_NAMES.get(self.task, self.task)
        return f"{task} ({self.grade})" if self.grade else task, self.dataset, metric


class Cell(Struct, frozen=True):
    """One number: of one run, or the mean of `values` over several seeds with `sd`, their standard deviation.

    `text` is the number as printed, `spread` its interval or deviation, `marks` the numbers of its notes, `grade` how
    comparable it is with a published table; `weak` is published and attested once only.
    """

    values: tuple[MetricValue, ...]
    value: float | None
    sd: float | None
    text: str
    spread: str
    best: bool = False
    marks: tuple[int, ...] = ()
    grade: str = ""
    weak: bool = False

    @property
    def after(self) -> str:
        """What stands behind the number: its grade, its interval or deviation."""
        return " ".join(part for part in (self.grade, self.spread) if part)


class Row(Struct, frozen=True):
    """One system under one variant; a cell is None where it was not asked."""

    system: str
    variant: str
    cells: tuple[Cell | None, ...]

    @property
    def label(self) -> str:
        """The system, with its variant where the table has several."""
        return f"{self.system} ({self.variant})" if self.variant else self.system


class Wide(Struct, frozen=True):
    """The table. `notes` are numbered from 1; `systems` say how each was set and `signatures` how it scored."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    systems: tuple[str, ...]
    signatures: tuple[str, ...]
    legend: str = ""


class Seeded(NamedTuple):
    """What a system is one training of: cards of one family that differ in the seed are averaged."""

    family: str
    train_seed: int


class _Key(NamedTuple):
    system: str
    variant: Variant


def wide(values: Sequence[MetricValue], *, seeds: Mapping[str, Seeded] | None = None, mixed: bool = False) -> Wide:
    """Lay out headline metrics (reading `all`) of one or more systems.

    Args:
        values: results, each under the name of its system.
        seeds: systems that are trainings of one family; two or more of them become one row, mean ± sd.
        mixed: let a column hold values that were scored or asked differently, and mark them.

    Raises:
        UsageError: nothing to show; a column would mix scoring or questions (unless `mixed`); two values for one cell.
    """
    shown = [
        v for v in values if v.headline and v.reading == "all" and v.group is None and v.status != "not applicable"
    ]
    if not shown:
        raise UsageError("there is no headline metric to show; expected at least one run with a finished metric")
    columns = _columns(shown)
    averaged = _averaged(shown, seeds or {})
    told = _told_variants([_key(value, averaged) for value in shown])
    notes: dict[str, int] = {}
    laid: dict[_Key, dict[Column, list[MetricValue]]] = {}
    for value in shown:
        laid.setdefault(_key(value, averaged), {}).setdefault(_column(value), []).append(value)
    first: dict[Column, MetricValue] = {}
    rows = []
    for key, cells in laid.items():
        made = tuple(_cell(cells.get(column), column, first, notes, mixed, key) for column in columns)
        variant = variant_name(key.variant) if key.system in told else ""
        rows.append(Row(key.system, variant, made))
    return Wide(columns, tuple(_best(rows, columns)), tuple(notes), tuple(_systems(shown)), tuple(_signatures(shown)))


def _column(value: MetricValue) -> Column:
    return Column(value.task, value.dataset, value.metric, value.unit, value.better)


def _columns(values: Sequence[MetricValue]) -> tuple[Column, ...]:
    seen = list(dict.fromkeys(_column(value) for value in values))
    units: dict[tuple[str, str, str], Column] = {}
    for column in seen:
        other = units.setdefault((column.task, column.dataset, column.metric), column)
        if other.unit != column.unit:
            raise UsageError(
                f"{column.task} {column.dataset} {column.metric}: one column holds one unit, found {other.unit} and "
                f"{column.unit}; convert them on import"
            )
    return tuple(sorted(seen, key=lambda column: task_place(column.task)))


def _averaged(values: Sequence[MetricValue], seeds: Mapping[str, Seeded]) -> dict[str, str]:
    """The family of each system that has sisters of other seeds."""
    present = {value.model for value in values} & set(seeds)
    trainings: dict[str, set[int]] = {}
    for system in present:
        trainings.setdefault(seeds[system].family, set()).add(seeds[system].train_seed)
    return {system: seeds[system].family for system in present if len(trainings[seeds[system].family]) > 1}


def _key(value: MetricValue, averaged: Mapping[str, str]) -> _Key:
    return _Key(averaged.get(value.model, value.model), msgspec.structs.replace(value.variant, seed=0))


def _told_variants(keys: Sequence[_Key]) -> set[str]:
    """Systems with more than one variant, or one that is not the plain variant at its own scale."""
    found: dict[str, set[Variant]] = {}
    for key in keys:
        found.setdefault(key.system, set()).add(key.variant)
    return {system for system, variants in found.items() if len(variants) > 1 or _changed(next(iter(variants)))}


def _changed(variant: Variant) -> bool:
    return msgspec.structs.replace(variant, lora_scale=None) != Variant()


def _cell(
    values: list[MetricValue] | None,
    column: Column,
    first: dict[Column, MetricValue],
    notes: dict[str, int],
    mixed: bool,
    key: _Key,
) -> Cell | None:
    if not values:
        return None
    remarks = [note for value in values for note in mixing(value, _held(first, column, value), mixed)]
    known = [value.value for value in values if value.value is not None]
    if len(values) > 1 and len({(value.model, value.variant) for value in values}) < len(values):
        raise UsageError(
            f"{column.task} {column.dataset} {column.metric}: {values[0].model} has two values; give each run once"
        )
    remarks += [note for value in values for note in coverage(value)]
    told = [f"{key.system}: {note}" for note in remarks]
    told += [value.ci.caution for value in values if value.ci is not None and value.ci.caution]
    marks = tuple(dict.fromkeys(notes.setdefault(note, len(notes) + 1) for note in told))
    if not known:
        return Cell(tuple(values), None, None, values[0].status, "", marks=marks)
    mean = statistics.fmean(known)
    if len(values) > 1:
        sd = statistics.stdev(known) if len(known) > 1 else None
        spread = f"± {number(sd, column.unit)} ({len(known)} seeds)" if sd is not None else "(1 seed)"
        return Cell(tuple(values), mean, sd, number(mean, column.unit), spread, marks=marks)
    ci = values[0].ci
    spread = f"[{number(ci.low, column.unit)}, {number(ci.high, column.unit)}]" if ci else ""
    return Cell(tuple(values), mean, None, number(mean, column.unit), spread, marks=marks)


def _held(first: dict[Column, MetricValue], column: Column, value: MetricValue) -> MetricValue:
    """What a column's values are compared with: its first that is known."""
    held = first.setdefault(column, value)
    if UNKNOWN in (held.asked, held.signature):
        first[column] = value
    return held


def _best(rows: Sequence[Row], columns: Sequence[Column]) -> Iterator[Row]:
    """Mark the best of each column, all of those that print alike; nothing is best of one."""
    best: dict[int, str] = {}
    for index, column in enumerate(columns):
        cells = [cell for row in rows if (cell := row.cells[index]) is not None and cell.value is not None]
        if len(cells) > 1:
            pick = min if column.better == "lower" else max
            best[index] = pick(cells, key=lambda cell: cell.value or 0.0).text
    for row in rows:
        cells_of = [
            msgspec.structs.replace(cell, best=cell.value is not None and cell.text == best.get(index))
            if cell
            else None
            for index, cell in enumerate(row.cells)
        ]
        yield msgspec.structs.replace(row, cells=tuple(cells_of))


def _systems(values: Sequence[MetricValue]) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for value in values:
        if value.value is not None and value.system != UNKNOWN:
            told.setdefault(f"{value.model}: {value.system}", []).append(f"{value.task}:{value.dataset}")
    yield from (f"{system} ({', '.join(dict.fromkeys(where))})" for system, where in told.items())


def _signatures(values: Sequence[MetricValue]) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for value in values:
        if value.value is not None and value.signature not in ("", UNKNOWN):
            told.setdefault(value.signature, []).append(f"{value.task}:{value.dataset}")
    yield from (f"{signature} ({', '.join(dict.fromkeys(where))})" for signature, where in told.items())


def counts_line(table: Wide) -> list[str]:
    """How many samples each column's values are over: a number, or the range where they differ."""
    return [_span([row.cells[index] for row in table.rows]) for index in range(len(table.columns))]


def _span(cells: Sequence[Cell | None]) -> str:
    counts = {value.n_scored for cell in cells if cell for value in cell.values if value.n_planned}
    if not counts:
        return ""
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)}…{max(counts)}"


def lists(table: Wide) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What stands below a table besides its notes: heading and entries."""
    legend = (table.legend,) if table.legend else ()
    return (("Grades", legend), ("System", table.systems), ("Signature", table.signatures))
