"""The still parts of the page: cards, tables and plots as HTML; text of any origin is escaped."""

import base64
import html
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.records import MetricValue
from salmonn_eval.report import diagnosis_plots
from salmonn_eval.report.cells import metric_name, number, variant_name
from salmonn_eval.report.diagnoses import Section, sections
from salmonn_eval.report.diagnosis_files import each
from salmonn_eval.report.grid import Grid, grid
from salmonn_eval.report.scored import ScoredRun

PLOTS = {
    "scale_metric": "Headline metrics over the LoRA scale",
    "scale_g": "Following and G over the LoRA scale",
    "confusion": "Asked and performed task",
    "trade_off": "What a LoRA scale gains and costs",
}


def cards(run: ScoredRun, values: Sequence[MetricValue]) -> str:
    """A card for each headline metric at the run's own setting."""
    own = run.card.default_lora_scale
    plain = [v for v in run.variants if (v.prompt_set, v.condition) == ("release", "none")] or list(run.variants)
    shown = next((variant for variant in plain if variant.lora_scale == own), plain[0])
    found = [
        _card(value)
        for value in values
        if value.headline and value.reading == "all" and value.group is None and value.variant == shown
        if value.status != "not applicable"
    ]
    name = variant_name(shown)
    where = f"<p class='quiet'>at {html.escape(name)}</p>" if len(run.variants) > 1 and name else ""
    return f"{where}<ul class='cards'>{''.join(found)}</ul>"


def _card(value: MetricValue) -> str:
    ends = ""
    if value.value is not None and value.ci is not None:
        ends = f"[{number(value.ci.low, value.unit)}, {number(value.ci.high, value.unit)}]"
    shown = number(value.value, value.unit) if value.value is not None else value.status
    lost = value.n_planned - value.n_scored
    count = f"{value.n_scored} of {value.n_planned}" + (
        f": {value.n_unscored} unscored, {value.n_error} failed" if lost else ""
    )
    where = html.escape(f"{value.task}:{value.dataset}")
    return (
        f"<li><button type='button' data-set='{where}' title='show its answers'><span>{where}</span>"
        f"<strong{' class=missing' if value.value is None else ''}>{html.escape(shown)}</strong>"
        f"<span>{html.escape(metric_name(value))}</span><small>{html.escape(ends)}</small>"
        f"<small{' class=lost' if lost else ''}>n {html.escape(count)}</small></button></li>"
    )


def results(values: Sequence[MetricValue]) -> str:
    """The table of all metrics, with its footnotes, signatures and systems."""
    return _grid(grid(values))


def _grid(table: Grid) -> str:
    head = "".join(f"<th scope='col'>{html.escape(text)}</th>" for text in table.headers)
    body = "".join(
        _row(row, before, table.n_labels) for row, before in zip(table.rows, [(), *table.rows], strict=False)
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    below = "".join(
        f"<dt>{html.escape(title)}</dt>" + "".join(f"<dd>{html.escape(entry)}</dd>" for entry in entries)
        for title, entries in table.below
        if entries
    )
    return (
        f"<div class='wide' tabindex='0' role='region' aria-label='all metrics'>"
        f"<table class='results'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"<p class='quiet'>{html.escape(table.legend)}</p>"
        f"<ol class='notes'>{notes}</ol><details><summary>How it was scored and set up</summary>"
        f"<dl class='code'>{below}</dl></details>"
    )


def _row(row: Sequence[str], before: Sequence[str], labels: int) -> str:
    """A row; the task and test set are said where they change."""
    same = tuple(before[:2]) == tuple(row[:2])
    names = ["" if same and index < 2 else html.escape(text) for index, text in enumerate(row[:labels])]
    cells = [*(f"<th scope='row'>{name}</th>" for name in names)]
    cells += [f"<td>{html.escape(text)}</td>" for text in row[labels:]]
    return f"<tr{'' if same else ' class=first'}>{''.join(cells)}</tr>"


def plots(found: Diagnoses, values: Sequence[MetricValue]) -> str:
    """Every plot that the run allows, as images that are part of the page."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = diagnosis_plots.draw(Path(folder), found, values)
        files = {file.stem: file.read_bytes() for file in drawn if file.suffix == ".svg"}
    shown = [(PLOTS.get(name, name), files[name]) for name in sorted(files, key=[*PLOTS].index)]
    return "".join(
        f"<figure><figcaption>{html.escape(title)}</figcaption>"
        f"<img alt='{html.escape(title)}' src='data:image/svg+xml;base64,{base64.b64encode(svg).decode()}'></figure>"
        for title, svg in shown
    )


def diagnoses(found: Diagnoses) -> str:
    """Every diagnosis as tables, closed until somebody opens it."""
    return "".join(_diagnosis(list(sections(one))) for one in each(found).values())


def _diagnosis(parts: Sequence[Section]) -> str:
    if not parts:
        return ""
    title = html.escape(parts[0].title)
    return f"<details><summary>{title}</summary>{''.join(map(_section, parts))}</details>"


def _section(part: Section) -> str:
    return "".join(_section_lines(part))


def _section_lines(part: Section) -> Iterator[str]:
    yield f"<h4>{html.escape(part.title)}</h4>"
    if part.rows:
        head = "".join(f"<th scope='col'>{html.escape(text)}</th>" for text in part.headers)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in part.rows)
        yield (
            f"<div class='wide' tabindex='0' role='region' aria-label='{html.escape(part.title)}'>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
    yield from (f"<p class='quiet'>{html.escape(note)}</p>" for note in part.notes)
