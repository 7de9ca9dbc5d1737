"""The page's tables, as cells of text: results, headline metrics side by side, a paired comparison, each diagnosis."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.probes.finding import Diagnosis
from salmonn_eval.probes.text import table as probe_table
from salmonn_eval.records import MetricValue
from salmonn_eval.report import compare_text
from salmonn_eval.report.cells import mark
from salmonn_eval.report.comparison import Comparison
from salmonn_eval.report.diagnoses import sections
from salmonn_eval.report.diagnosis_files import each
from salmonn_eval.report.grid import ABSENT, grid
from salmonn_eval.report.wide import BRACKETS, Cell, Seeded, counts_line, lists, wide


class TableCell(Struct, frozen=True):
    """What stands in a cell: a number or name, what stands smaller behind it, and whether it is the best."""

    text: str
    after: str = ""
    best: bool = False


class Table(Struct, frozen=True):
    """A table to lay out: the first `n_labels` columns name the row; `notes` stand below."""

    title: str
    headers: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[TableCell, ...], ...]
    n_labels: int = 1
    notes: tuple[str, ...] = ()


def headline(values: Sequence[MetricValue], seeds: Mapping[str, Seeded]) -> Table:
    """Systems and scales below each other, headline metrics side by side; UsageError as `wide` has it."""
    made = wide(values, seeds=seeds)
    rows = [(TableCell(row.label), *map(_number, row.cells)) for row in made.rows]
    rows.append((TableCell("n"), *map(TableCell, counts_line(made))))
    notes = [f"{mark([number])} {note}" for number, note in enumerate(made.notes, start=1)]
    notes += [BRACKETS, *(f"{heading}: {text}" for heading, texts in lists(made) for text in texts)]
    headers = (("",), *(column.heading for column in made.columns))
    return Table("Headline metrics", headers, tuple(rows), 1, tuple(notes))


def _number(cell: Cell | None) -> TableCell:
    return TableCell(ABSENT) if cell is None else TableCell(cell.text, f"{cell.after}{mark(cell.marks)}", cell.best)


def every(values: Sequence[MetricValue]) -> Table:
    """Every metric, reading and group, as `table --strict --breakdown` prints them."""
    made = grid(values, strict=True, breakdown=True)
    notes = [f"{mark([number])} {note}" for number, note in enumerate(made.notes, start=1)]
    notes += [made.legend, *(f"{heading}: {entry}" for heading, entries in made.below for entry in entries)]
    return _table("Every metric", made.headers, made.rows, made.n_labels, notes)


def compared(found: Comparison) -> Table:
    """Run A beside run B, paired by sample."""
    notes = (f"A: {found.a}", f"B: {found.b}", *compare_text.notes(found), compare_text.LEGEND)
    rows = [compare_text.cells(row) for row in found.rows]
    return _table("A beside B, paired by sample", compare_text.HEADERS, rows, 1, notes)


def diagnosed(found: Diagnoses) -> Iterator[Table]:
    """The tables of every diagnosis that the answers allow."""
    for one in each(found).values():
        for section in sections(one):
            yield _table(section.title, section.headers, section.rows, 1, section.notes)


def probed(found: Diagnosis) -> Table:
    """What a probe of the model found."""
    headers, rows, notes = probe_table(found)
    return _table(
        found.diagnosis.replace("_", " ").capitalize(), headers, rows, 2, [note.removeprefix("\\") for note in notes]
    )


def _table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], n_labels: int, notes: Sequence[str]
) -> Table:
    laid = tuple(tuple(map(TableCell, row)) for row in rows)
    return Table(title, tuple((header,) for header in headers), laid, n_labels, tuple(note for note in notes if note))
