"""The table as text cells, with the notes and lists that stand below it; not yet Markdown or terminal text."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from salmonn_eval.records import MetricValue, Reading
from salmonn_eval.report.cells import mark, metric_name, number, quantity, variant_name
from salmonn_eval.report.rows import UNKNOWN, Line, lines

_READINGS: tuple[Reading, ...] = ("all", "followed", "strict")
ABSENT = "–"  # noqa: RUF001 - a dash, as tables print it
_LEGEND: dict[Reading, str] = {
    "all": "Brackets: 95 % interval. n: scored of planned.",
    "followed": "followed: over the answers that follow the instruction.",
    "strict": "strict: an answer that does not follow counts as wholly wrong; (change from all).",
}


class Grid(Struct, frozen=True):
    """A printed table. The first `n_labels` columns name the row; `below` are paragraphs (title, entries)."""

    headers: tuple[str, ...]
    n_labels: int
    rows: tuple[tuple[str, ...], ...]
    legend: str
    notes: tuple[str, ...]
    below: tuple[tuple[str, tuple[str, ...]], ...]


def grid(values: Sequence[MetricValue], *, strict: bool = False, breakdown: bool = False) -> Grid:
    """Lay out the values of one model (a column per reading) or of several (a column per model, a row per reading)."""
    shown = [v for v in values if (strict or v.reading != "strict") and (breakdown or v.group is None)]
    found = [line for line in lines(shown) if not all(v.status == "not applicable" for v in line.values.values())]
    models = tuple(dict.fromkeys(value.model for value in shown))
    present = {v.reading for v in shown if v.value is not None}
    readings = tuple(reading for reading in _READINGS if reading in present) or ("all",)
    notes = _Notes(several=len(models) > 1)
    variants = any(variant_name(line.question.variant) for line in found)
    layout = _rows_by_model if len(models) > 1 else _row_by_reading
    columns: tuple[str, ...] = models if len(models) > 1 else readings
    names = ("task", "dataset", *(("variant",) if variants else ()), "metric")
    return Grid(
        headers=(*names, *columns, "n"),
        n_labels=len(names),
        rows=tuple(
            (*_label(line, variants), *cells) for line in found for cells in layout(line, models, readings, notes)
        ),
        legend=" ".join(_LEGEND[reading] for reading in readings),
        notes=notes.texts(),
        below=tuple(_below(shown, found, models)),
    )


class _Notes:
    """Footnotes in order of first use; equal texts share a number."""

    def __init__(self, several: bool) -> None:
        self._numbers: dict[str, int] = {}
        self._several = several

    def marks(self, value: MetricValue) -> str:
        """The marks behind a cell, noting its texts."""
        owner = f"{value.model}: " if self._several else ""
        found = [self._numbers.setdefault(owner + text, len(self._numbers) + 1) for text in _remarks(value)]
        return mark(found)

    def texts(self) -> tuple[str, ...]:
        return tuple(self._numbers)


def _remarks(value: MetricValue) -> Iterable[str]:
    if value.value is None:
        parts = [value.status, value.why or "no reason given", _lost(value) if value.n_scored == 0 else ""]
        yield ": ".join(part for part in parts if part)
        return
    if value.ci is not None and value.ci.caution:
        yield value.ci.caution
    if value.reading == "all" and (value.n_unscored or value.n_error):
        yield f"{value.task} {value.metric}: {_lost(value)}{_bounds(value)}"
    if value.n_undetermined and (value.reading == "followed" or value.metric == "following_rate"):
        yield f"{value.task}: {value.n_undetermined} answers undetermined (neither followed nor not), left out here"
    if UNKNOWN in (value.asked, value.signature, value.system):
        unknown = [
            text
            for text, held in (("asked", value.asked), ("scored", value.signature), ("set up", value.system))
            if held == UNKNOWN
        ]
        yield f"how it was {' and '.join(unknown)} is unknown"
    if value.why:
        yield value.why


def _lost(value: MetricValue) -> str:
    parts = [f"{value.n_unscored} unscored"] if value.n_unscored else []
    return ", ".join([*parts, f"{value.n_error} failed"] if value.n_error else parts)


def _bounds(value: MetricValue) -> str:
    if value.bounds is None:
        return ""
    low, high = (number(bound, value.unit) for bound in sorted(value.bounds))
    return f"; between {low} and {high} if these were all right or all wrong"


def _label(line: Line, variants: bool) -> tuple[str, ...]:
    """Task, dataset (with its group) and, if the table tells variants apart, the variant."""
    question = line.question
    dataset = f"{question.dataset} {question.group}" if question.group else question.dataset
    return (question.task, dataset, *((variant_name(question.variant) or "plain",) if variants else ()))


def _row_by_reading(
    line: Line, models: Sequence[str], readings: Sequence[Reading], notes: _Notes
) -> Iterable[tuple[str, ...]]:
    whole = line.values.get((models[0], "all"), line.first())
    cells = [_cell(line, models[0], reading, notes) for reading in readings]
    yield (_metric(line), *cells, _n([whole]))


def _rows_by_model(
    line: Line, models: Sequence[str], readings: Sequence[Reading], notes: _Notes
) -> Iterable[tuple[str, ...]]:
    for reading in readings:
        values = [line.values[model, reading] for model in models if (model, reading) in line.values]
        if values:
            name = _metric(line) if reading == "all" else f"{_metric(line)}, {reading}"
            cells = [_cell(line, model, reading, notes) for model in models]
            yield (name, *cells, _n([value for value in values if value.value is not None]))


def _metric(line: Line) -> str:
    return metric_name(line.first(), line.settings)


def _cell(line: Line, model: str, reading: Reading, notes: _Notes) -> str:
    value = line.values.get((model, reading))
    if value is None:
        return ABSENT
    text = quantity(value)
    whole = line.values.get((model, "all"))
    if reading == "strict" and value.value is not None and whole is not None and whole.value is not None:
        change = value.value - whole.value
        text += f" ({'+' if change > 0 else ''}{number(change, value.unit)})"
    if reading == "followed" and value.value is not None:
        text += f" n {value.n_scored}"
    return text + notes.marks(value)


def _n(values: Sequence[MetricValue]) -> str:
    """Scored of planned, as a range where models differ; empty where nothing was planned."""
    if not any(value.n_planned for value in values):
        return ""
    return f"{_span([value.n_scored for value in values])}/{_span([value.n_planned for value in values])}"


def _span(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low}…{high}"


def _below(
    shown: Sequence[MetricValue], found: Sequence[Line], models: Sequence[str]
) -> Iterable[tuple[str, tuple[str, ...]]]:
    several = len(models) > 1
    absent: dict[str, list[str]] = {}
    for value in shown:
        if value.status == "not applicable":
            owner = f"{value.model}: " if several else ""
            absent.setdefault(owner + (value.why or "no reason given"), []).append(value.task)
    yield "Not applicable", tuple(f"{', '.join(dict.fromkeys(tasks))} ({why})" for why, tasks in absent.items())
    scored: dict[str, list[str]] = {}
    for line in found:
        for value in line.values.values():
            if value.value is not None:
                scored.setdefault(value.signature or UNKNOWN, []).append(f"{value.task}:{value.dataset}")
    yield "Signatures", tuple(f"{signature}  ({', '.join(dict.fromkeys(w))})" for signature, w in scored.items())
    yield ("Systems differ", tuple(_systems(found))) if several else ("System", tuple(_system(found)))


def _system(found: Sequence[Line]) -> Iterable[str]:
    """How the one model was set, and where."""
    told: dict[str, list[str]] = {}
    for line in found:
        for value in line.values.values():
            if value.value is not None and value.system != UNKNOWN:
                told.setdefault(value.system, []).append(f"{value.task}:{value.dataset}")
    return [f"{system}  ({', '.join(dict.fromkeys(where))})" for system, where in told.items()]


def _systems(found: Sequence[Line]) -> Iterable[str]:
    """Where the models of a row were set up differently: the fingerprints of their settings."""
    told: dict[str, list[str]] = {}
    for line in found:
        systems = {value.model: value.system for value in line.values.values() if value.value is not None}
        if len(set(systems.values())) > 1:
            where = f"{line.question.task}:{line.question.dataset}"
            told.setdefault("; ".join(f"{model} {system}" for model, system in systems.items()), []).append(where)
    return [f"{text}  ({', '.join(dict.fromkeys(where))})" for text, where in told.items()]
