"""The paper's Tables 3(a) and 3(b) with a run's rows added, every cell graded by how comparable it is.

A: same data and metric; B: metric or subset may differ; C: data remade; D: cannot be had as in the paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue
from salmonn_eval.report.published import Published, read_columns, read_published
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.report.wide import Cell, Column, Wide, wide
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.spec import DatasetSpec, TaskSpec

Grade = Literal["A", "B", "C", "D"]


class PaperColumn(NamedTuple):
    """One column of the paper: our test set and metric, the best grade a run can have, and why not a better one."""

    table: str
    name: str
    metric: str
    grade: Grade
    why: str = ""


_PROMPT = "the paper's prompt for the judge is not published"
_COLUMNS = (
    PaperColumn("3(a)", "asr:librispeech-test-clean", "wer", "A"),
    PaperColumn("3(a)", "asr:librispeech-test-other", "wer", "A"),
    PaperColumn("3(a)", "asr:gigaspeech-test", "wer", "B", "how tags in references were treated is not stated"),
    PaperColumn("3(a)", "en2zh:covost2-en-zh", "bleu", "A"),
    PaperColumn("3(a)", "aac:audiocaps-test", "meteor", "A"),
    PaperColumn("3(a)", "aac:audiocaps-test", "spider", "A"),
    PaperColumn("3(a)", "pr:librispeech-test-clean", "per", "B", "the paper's lexicon and phone set are not stated"),
    PaperColumn("3(a)", "er:iemocap-session5", "accuracy", "A"),
    PaperColumn("3(a)", "mc:musiccaps-eval", "coco_bleu4", "B", "which clips were left is not stated"),
    PaperColumn("3(a)", "mc:musiccaps-eval", "rouge_l", "B", "which clips were left is not stated"),
    PaperColumn("3(a)", "osr:libri2mix-test", "osr_wer", "B", "how the two utterances were matched is not stated"),
    PaperColumn("3(a)", "sv:voxceleb1-o", "accuracy", "D", "the paper's trial list is not known"),
    PaperColumn("3(b)", "en2de:covost2-en-de", "bleu", "A"),
    PaperColumn("3(b)", "en2ja:covost2-en-ja", "bleu", "B", "the paper's tokenizer is not stated"),
    PaperColumn("3(b)", "ke:inspec-test", "keyword_accuracy", "C", "its synthetic speech is not published"),
    PaperColumn("3(b)", "sqqa:wikiqa-test", "judge_accuracy", "C", f"its speech is not published; {_PROMPT}"),
    PaperColumn("3(b)", "sqqa:wikiqa-test", "fr_paper", "C", "its synthetic speech is not published"),
    PaperColumn("3(b)", "sf:slurp-test", "slot_accuracy", "C", "which recordings and slots were asked is not stated"),
    PaperColumn("3(b)", "sf:slurp-test", "fr_paper", "C", "which recordings and slots were asked is not stated"),
    PaperColumn("3(b)", "story:audiocaps-test", "diversity", "B", "which clips were left is not stated"),
    PaperColumn("3(b)", "story:audiocaps-test", "fr_paper", "B", "which clips were left is not stated"),
    PaperColumn("3(b)", "sac:in-house", "judge_accuracy", "D", "the test set was never released"),
    PaperColumn("3(b)", "sac:in-house", "following_rate", "D", "the test set was never released"),
)
_KNOWN: Mapping[tuple[str, str], PaperColumn] = {(column.name, column.metric): column for column in _COLUMNS}
LEGEND = (
    "behind a task the best that can be had, behind a measured value its own; A same data and metric; B metric "
    "or subset may differ; C data remade; D cannot be had as in the paper. Italic or grey: published, one source only."
)


def like_paper(values: Sequence[MetricValue], *, mixed: bool = False) -> dict[str, Wide]:
    """Tables 3(a) and 3(b) by name: the published rows, then the systems of `values`.

    Raises:
        UsageError: a value is of an embedded test set, which stands in no table of the paper; or none is of one of the
            paper's; or systems were scored or asked differently (unless `mixed`).
    """
    tasks = {task.spec.id: task.spec for task in discover().tasks}
    own = list(_measured(values, tasks))
    if not own:
        raise UsageError("--like paper: none of these results is of a test set of the paper; run with --suite paper")
    published = list(_published())
    table = wide([*(row.value for row in published), *own], mixed=mixed)
    weak = {(row.value.model, _column(row.value)) for row in published if row.weak}
    graded = _graded(table, weak, {row.value.model for row in published}, tasks)
    return {name: _part(graded, name) for name in ("3(a)", "3(b)")}


def _measured(values: Sequence[MetricValue], tasks: Mapping[str, TaskSpec]) -> Iterator[MetricValue]:
    for value in values:
        dataset = _dataset(tasks, value)
        if dataset is not None and dataset.suite != "paper" and value.status != "not applicable":
            raise UsageError(
                f"--like paper: {value.task}:{value.dataset} is of the embedded suite {dataset.suite}, which stands in "
                "no table of the paper; give runs of --suite paper only"
            )
        whole = value.reading == "all" and value.group is None and value.status != "not applicable"
        if whole and (value.headline or value.metric == "fr_paper") and (_name(value), value.metric) in _KNOWN:
            yield msgspec.structs.replace(value, headline=True)


def _dataset(tasks: Mapping[str, TaskSpec], value: MetricValue) -> DatasetSpec | None:
    task = tasks.get(value.task)
    return task.datasets.get(value.dataset) if task else None


def _name(value: MetricValue) -> str:
    return f"{value.task}:{value.dataset}"


def _published() -> Iterator[Published]:
    """The rows of Table 3, system by system, columns in the paper's order."""
    systems = read_columns().table3
    rows = {(row.value.model, _name(row.value), row.value.metric): row for row in read_published()}
    for column in _COLUMNS:
        for system, label in systems.items():
            row = rows.get((system, column.name, column.metric))
            if row is not None:
                yield msgspec.structs.replace(row, value=msgspec.structs.replace(row.value, model=label))


def _column(value: MetricValue) -> Column:
    return Column(value.task, value.dataset, value.metric, value.unit, value.better)


def _graded(table: Wide, weak: set[tuple[str, Column]], published: set[str], tasks: Mapping[str, TaskSpec]) -> Wide:
    notes = list(table.notes)
    rows = []
    for row in table.rows:
        cells: list[Cell | None] = []
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell is None or row.system in published:
                cells.append(cell and msgspec.structs.replace(cell, weak=(row.system, column) in weak))
                continue
            grade, why = _grade(cell.values[0], tasks)
            marks = list(cell.marks)
            for note in [f"{row.system}: {grade} for {why}"] if why else []:
                if note not in notes:
                    notes.append(note)
                marks.append(notes.index(note) + 1)
            cells.append(msgspec.structs.replace(cell, grade=grade, marks=tuple(marks)))
        rows.append(msgspec.structs.replace(row, cells=tuple(cells)))
    columns = tuple(
        msgspec.structs.replace(c, grade=_KNOWN[f"{c.task}:{c.dataset}", c.metric].grade) for c in table.columns
    )
    return msgspec.structs.replace(table, columns=columns, rows=tuple(rows), notes=tuple(notes))


def _grade(value: MetricValue, tasks: Mapping[str, TaskSpec]) -> tuple[Grade, str]:
    """A run's own grade, and why it is not better."""
    column = _KNOWN[_name(value), value.metric]
    if column.grade != "A":
        return column.grade, column.why
    lowered = list(_departures(value, tasks[value.task], tasks[value.task].datasets[value.dataset]))
    return ("B", ", ".join(lowered)) if lowered else ("A", "")


def _departures(value: MetricValue, task: TaskSpec, dataset: DatasetSpec) -> Iterator[str]:
    """Where a run departs from the release's settings: another cap, beam count, subset or wording."""
    asked, system = value.asked.split("|"), value.system.split("|")
    if UNKNOWN in system:
        yield "unknown decoding"
    else:
        wanted = {"beams": task.generation.get("num_beams"), "cap": task.generation.get("max_new_tokens")}
        for name, number in wanted.items():
            if f"{name}:{number}" not in system:
                yield f"{name} other than {number}"
    if dataset.n_expected is not None and value.n_planned != dataset.n_expected:
        yield f"{value.n_planned} of {dataset.n_expected} items"
    if UNKNOWN in asked:
        yield "unknown prompts"
    else:
        yield from (f"{part}" for part in asked if part.startswith("prompts:") and part != "prompts:release")


def _part(table: Wide, name: str) -> Wide:
    """The columns of one of the two tables, with the rows that have anything in them and their notes."""
    kept = [i for i, c in enumerate(table.columns) if _KNOWN[f"{c.task}:{c.dataset}", c.metric].table == name]
    cut = [msgspec.structs.replace(row, cells=tuple(row.cells[i] for i in kept)) for row in table.rows]
    rows = [row for row in cut if any(cell is not None for cell in row.cells)]
    used = sorted({number for row in rows for cell in row.cells if cell for number in cell.marks})
    rows = [
        msgspec.structs.replace(
            row,
            cells=tuple(
                cell and msgspec.structs.replace(cell, marks=tuple(used.index(m) + 1 for m in cell.marks))
                for cell in row.cells
            ),
        )
        for row in rows
    ]
    return msgspec.structs.replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(rows),
        notes=tuple(table.notes[number - 1] for number in used),
        legend=LEGEND,
    )
