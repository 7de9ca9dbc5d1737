"""Results as a table: Markdown for a file, aligned text for a terminal, plain data for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue
from salmonn_eval.report.cells import fill, mark, pad, shorten, width
from salmonn_eval.report.grid import ABSENT, Grid, grid
from salmonn_eval.report.rows import lines

_GAP = "  "
_HEADING = 2  # task and dataset head a group of rows on a terminal


def rows(values: Sequence[MetricValue]) -> list[dict[str, Any]]:
    """The values as plain data in the table's order; UsageError where a table would mix what cannot be compared."""
    ordered = [value for line in lines(values) for value in line.values.values()]
    return msgspec.json.decode(msgspec.json.encode(ordered), type=list[dict[str, Any]])


def markdown(values: Sequence[MetricValue], *, caption: str = "", strict: bool = False, breakdown: bool = False) -> str:
    """A Markdown table of one model's or several models' values with notes, signatures and system differences below.

    Args:
        values: results of one run, or of several runs of different models.
        caption: a line above the table.
        strict: also show the strict reading (not followed counts as wholly wrong).
        breakdown: also show the groups that a test set is broken down by.

    Raises:
        UsageError: models in one row were scored or asked differently, a cell has two values, or there is nothing.
    """
    table = _checked(values, strict, breakdown)
    title = _title(values, caption)
    above = [f"**{_escape(title)}**", ""] if title else []
    rule = "|" + "".join(" --- |" if i < table.n_labels else " ---: |" for i in _columns(table))
    body = [_line(table.headers), rule, *(_line(row) for row in table.rows), ""] if table.rows else []
    return "\n".join([*above, *body, *_paragraphs(table)]) + "\n"


def text(
    values: Sequence[MetricValue],
    *,
    caption: str = "",
    strict: bool = False,
    breakdown: bool = False,
    columns: int = 100,
) -> str:
    """The same table aligned for a terminal of `columns`; more models than fit continue in a further block."""
    table = _checked(values, strict, breakdown)
    title = _title(values, caption)
    out = [title] if title else []
    for block in _blocks(table, columns) if table.rows else ():
        out += [*block, ""]
    for number, note in enumerate(table.notes, start=1):
        out += fill(f"{mark([number])} {note}", columns, "  ")
    out += fill(table.legend, columns) if table.rows else []
    for heading, entries in table.below:
        if len(entries) == 1:
            out += fill(f"{heading}: {entries[0]}", columns, "  ")
        elif entries:
            out += [f"{heading}:", *(line for entry in entries for line in fill(entry, columns, "    ", "  "))]
    return "\n".join(out) + "\n"


def _checked(values: Sequence[MetricValue], strict: bool, breakdown: bool) -> Grid:
    if not values:
        raise UsageError("there are no results to show; expected at least one run with a finished metric")
    return grid(values, strict=strict, breakdown=breakdown)


def _title(values: Sequence[MetricValue], caption: str) -> str:
    models = list(dict.fromkeys(value.model for value in values))
    return " · ".join(part for part in (caption, models[0] if len(models) == 1 else "") if part)


def _columns(table: Grid) -> range:
    return range(len(table.headers))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(cell: str) -> str:
    return " ".join(cell.replace("\\", "\\\\").replace("|", "\\|").split())


def _paragraphs(table: Grid) -> Iterator[str]:
    for number, note in enumerate(table.notes, start=1):
        yield f"{mark([number])} {_escape(note)}  "
    if table.notes:
        yield ""
    if table.rows:
        yield table.legend
    for title, entries in table.below:
        if entries:
            yield ""
            yield f"{title}:"
            yield ""
            for entry in entries:
                code, separator, where = entry.partition("  ")
                yield f"- `{code}` {where}" if separator else f"- {_escape(entry)}"


def _blocks(table: Grid, columns: int) -> Iterator[list[str]]:
    """Lines of one table after the other: as many value columns as fit, with the row names and n beside them."""
    last = len(table.headers) - 1
    names = [shorten("  " + " · ".join(row[_HEADING : table.n_labels]), columns // 2) for row in table.rows]
    fixed = _widest(["", *names]) + _column_width(table, last) + len(_GAP)
    chosen: list[list[int]] = [[]]
    used = fixed
    for index in range(table.n_labels, last):
        needed = _column_width(table, index) + len(_GAP)
        if chosen[-1] and used + needed > columns:
            chosen.append([])
            used = fixed
        chosen[-1].append(index)
        used += needed
    for indices in chosen:
        yield list(_aligned(table, names, [*indices, last]))


def _aligned(table: Grid, names: Sequence[str], indices: Sequence[int]) -> Iterator[str]:
    """The header, then the rows that hold anything, under a line that names their task and dataset."""
    space, widths = _widest(["", *names]), [_column_width(table, index) for index in indices]

    def line(name: str, cells: Sequence[str]) -> str:
        padded = (pad(cells[index], wide, right=True) for index, wide in zip(indices, widths, strict=True))
        return _GAP.join([pad(name, space), *padded]).rstrip()

    yield line("", table.headers)
    heading: tuple[str, ...] = ()
    for name, row in zip(names, table.rows, strict=True):
        if all(row[index] == ABSENT for index in indices[:-1]):
            continue
        if row[:_HEADING] != heading:
            heading = row[:_HEADING]
            yield " · ".join(part for part in heading if part)
        yield line(name, row)


def _column_width(table: Grid, index: int) -> int:
    return _widest([table.headers[index], *(row[index] for row in table.rows)])


def _widest(texts: Sequence[str]) -> int:
    return max(width(text) for text in texts)
