"""A diagnosis as a Markdown table: a row a test set and measure, a column a scale."""

from collections.abc import Iterable

from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.records import Interval


def markdown(diagnosis: Diagnosis) -> str:
    """The whole page: heading, table, what could not be told, what the numbers are."""
    headers, rows, notes = table(diagnosis)
    lines = [f"# {diagnosis.diagnosis}: {diagnosis.model}", ""]
    if rows:
        lines += [_row(headers), _row(["---"] * len(headers)), *map(_row, rows)]
    return "\n".join([*lines, "", *notes, ""])


def table(diagnosis: Diagnosis) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers, rows and notes of a diagnosis; without rows where nothing could be told."""
    told = [finding for finding in diagnosis.findings if finding.value is not None]
    columns = list(dict.fromkeys(column(finding) for finding in told))
    cells = {(finding.task, finding.dataset, finding.measure, column(finding)): finding for finding in told}
    rows = []
    for task, dataset, measure in dict.fromkeys((finding.task, finding.dataset, finding.measure) for finding in told):
        mine = [cells.get((task, dataset, measure, name)) for name in columns]
        count = max((cell.n for cell in mine if cell), default=0)
        rows.append([f"{task} · {dataset}", measure, *(_cell(cell) for cell in mine), str(count)])
    return ["test set", "measure", *columns, "n"], rows, _notes(diagnosis)


def column(finding: Finding) -> str:
    """`scale 2`, `silence, scale 4`: what stands above a finding."""
    words: list[str] = [] if finding.condition == "none" else [finding.condition]
    if finding.scale is not None:
        words.append(f"scale {finding.scale:g}")
    return ", ".join(words) or "value"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(finding: Finding | None) -> str:
    if finding is None or finding.value is None:
        return "-"
    star = "*" if finding.change_ci and not finding.change_ci.low <= 0 <= finding.change_ci.high else ""
    return f"{number(finding.value)}{star}{between(finding.ci)}"


def between(ci: Interval | None) -> str:
    """` [low, high]`, or nothing."""
    return f" [{number(ci.low)}, {number(ci.high)}]" if ci else ""


def number(value: float) -> str:
    """Three significant digits, whole numbers from 1,000 on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _notes(diagnosis: Diagnosis) -> list[str]:
    missing = [finding for finding in diagnosis.findings if finding.value is None]
    lines = [f"{finding.task} · {finding.dataset}: {finding.measure}: {finding.why}" for finding in missing]
    if any(finding.change is not None for finding in diagnosis.findings):
        lines.append(f"\\*: differs from scale {diagnosis.default_scale:g}: the paired 95 % interval leaves out 0.")
    cautions = {finding.ci.caution for finding in diagnosis.findings if finding.ci and finding.ci.caution}
    lines += sorted(cautions)
    return [*lines, "Brackets: 95 % interval over clusters."]
