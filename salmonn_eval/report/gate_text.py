"""The gate's report in words: for the terminal, and as the Markdown of a job summary."""

from salmonn_eval.report.cells import UNIT_MARK, fill, number, variant_name
from salmonn_eval.report.compare_text import p_value, span
from salmonn_eval.report.gate import Report, Verdict
from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.listing import aligned, escape, markdown

_HEADERS = ("metric", "outcome", "baseline", "now", "worse by", "95 % interval", "tolerance", "Holm", "n", "changed")
_MARKS = {"pass": "✅", "regress": "❌", "inconclusive": "⚠️"}
_LEGEND = (
    "worse by: positive is worse, paired on the baseline's samples. regress: the interval lies above the tolerance, "
    "also after Holm's correction. pass: it ends below, or all answers are equal. changed: answers that are not equal."
)


def text(report: Report, *, columns: int = 100) -> str:
    """The report for a terminal."""
    rows = [_cells(verdict) for verdict in report.verdicts]
    out = [f"{report.run} against {report.baseline}", "", *aligned(_HEADERS, rows, n_left=2), ""]
    for line in [*(sentence(v) for v in report.verdicts if v.outcome != "pass"), *report.notes]:
        out += fill(line, columns, "  ")
    return "\n".join([*out, *fill(_LEGEND, columns), headline(report)]) + "\n"


def summary(report: Report) -> str:
    """The report in Markdown: what a CI job shows."""
    rows = [(f"{_MARKS[v.outcome]} {cells[0]}", *cells[1:]) for v in report.verdicts for cells in [_cells(v)]]
    out = [f"### {_MARKS[report.outcome]} {escape(headline(report))}", ""]
    out += [f"{escape(report.run)} against {escape(report.baseline)}", "", markdown(_HEADERS, rows, n_left=2), ""]
    lines = [*(sentence(v) for v in report.verdicts if v.outcome != "pass"), *report.notes]
    return "\n".join([*out, *(f"- {escape(line)}" for line in lines), "", _LEGEND]) + "\n"


def headline(report: Report) -> str:
    """`salmonn-nano: regress (2 regress, 1 inconclusive, 12 pass)`."""
    outcomes = [verdict.outcome for verdict in report.verdicts]
    counts = [f"{outcomes.count(one)} {one}" for one in _MARKS if one in outcomes]
    return f"{report.model}: {report.outcome} ({', '.join(reversed(counts))})"


def sentence(v: Verdict) -> str:
    """One verdict in a sentence, with what would decide it."""
    worse = ABSENT if v.worsening is None else _signed(v.worsening, v.unit)
    more = f"; {v.needed} samples would decide" if v.needed else ""
    return (
        f"{_name(v)} {v.outcome}: worse by {worse}{UNIT_MARK[v.unit]} {span(v.interval, v.unit)}, tolerance "
        f"{number(v.tolerance, v.unit)}: {v.why}{more}"
    )


def _name(v: Verdict) -> str:
    variant = variant_name(v.variant)
    return f"{v.name} {v.metric}{f' ({variant})' if variant else ''}"


def _signed(value: float, unit: str) -> str:
    return f"{'+' if value > 0 else ''}{number(value, unit)}"


def _cells(v: Verdict) -> tuple[str, ...]:
    arrow = "↓" if v.better == "lower" else "↑"
    values = [ABSENT if value is None else number(value, v.unit) for value in (v.baseline, v.value)]
    return (
        f"{_name(v)}{UNIT_MARK[v.unit]} {arrow}",
        v.outcome,
        *values,
        ABSENT if v.worsening is None else _signed(v.worsening, v.unit),
        span(v.interval, v.unit),
        number(v.tolerance, v.unit),
        p_value(v.holm),
        f"{v.n}" if not v.lost else f"{v.n} ({v.lost} lost)",
        str(v.changed),
    )
