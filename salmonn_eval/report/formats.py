"""A wide table as Markdown, LaTeX (booktabs), CSV, JSON or HTML; text of any origin is escaped for each."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salmonn_eval.errors import UsageError
from salmonn_eval.report.cells import mark
from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.latex import as_latex
from salmonn_eval.report.listing import escape
from salmonn_eval.report.wide import BRACKETS, Cell, Wide, counts_line, lists

if TYPE_CHECKING:
    import pandas as pd


def as_markdown(table: Wide) -> str:
    """A Markdown table with its notes; bold is the best."""
    from tabulate import tabulate

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return ABSENT
        number = f"_{escape(cell.text)}_" if cell.weak else escape(cell.text)
        number = f"**{number}**" if cell.best else number
        return f"{number}{f' {escape(cell.after)}' if cell.after else ''}{mark(cell.marks)}"

    rows = [[escape(row.label), *map(shown, row.cells)] for row in table.rows]
    rows.append(["n", *counts_line(table)])
    headers = ["", *(escape(" ".join(column.heading)) for column in table.columns)]
    aligned = ("left", *("right" for _ in table.columns))
    body: str = tabulate(rows, headers, tablefmt="pipe", colalign=aligned, disable_numparse=True)
    below = [f"{mark([number])} {escape(note)}  " for number, note in enumerate(table.notes, start=1)]
    listed = [f"- {heading}: {escape(text)}" for heading, texts in lists(table) for text in texts]
    return "\n".join([body, "", *below, *([""] if below else []), BRACKETS, "", *listed]) + "\n"


def as_html(table: Wide) -> str:
    """An HTML table with its notes, without scripts or styles: to be put into a page."""

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return f"<td>{ABSENT}</td>"
        tag = "strong" if cell.best else "span"
        marks = f"<sup>{','.join(map(str, cell.marks))}</sup>" if cell.marks else ""
        start = '<td style="color: gray">' if cell.weak else "<td>"
        return f"{start}<{tag}>{html.escape(cell.text)}</{tag}> <small>{html.escape(cell.after)}</small>{marks}</td>"

    headings = "".join(f"<th>{'<br>'.join(map(html.escape, column.heading))}</th>" for column in table.columns)
    rows = [f"<tr><th>{html.escape(row.label)}</th>{''.join(map(shown, row.cells))}</tr>" for row in table.rows]
    counts = "".join(f"<td>{html.escape(count)}</td>" for count in counts_line(table))
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    listed = "".join(
        f"<li>{html.escape(f'{heading}: {text}')}</li>" for heading, texts in lists(table) for text in texts
    )
    return "\n".join(
        [
            f"<table>\n<thead><tr><th></th>{headings}</tr></thead>\n<tbody>",
            *rows,
            f"</tbody>\n<tfoot><tr><th>n</th>{counts}</tr></tfoot>\n</table>",
            f"<ol>{notes}</ol>",
            f"<p>{html.escape(BRACKETS)}</p>\n<ul>{listed}</ul>\n",
        ]
    )


def frame(table: Wide) -> "pd.DataFrame":
    """One row a cell, as a pandas frame: who, what, value, interval or deviation, counts, and how it came about."""
    import pandas as pd

    return pd.DataFrame(list(_records(table)))


def _records(table: Wide) -> Sequence[dict[str, Any]]:
    found = []
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell is None:
                continue
            value = cell.values[0]
            one = len(cell.values) == 1
            found.append(
                {
                    "system": row.system,
                    "variant": row.variant,
                    "task": column.task,
                    "dataset": column.dataset,
                    "metric": column.metric,
                    "unit": column.unit,
                    "better": column.better,
                    "value": cell.value,
                    "ci_low": value.ci.low if one and value.ci else None,
                    "ci_high": value.ci.high if one and value.ci else None,
                    "sd": cell.sd,
                    "runs": len(cell.values),
                    "n_scored": value.n_scored,
                    "n_planned": value.n_planned,
                    "best": cell.best,
                    "grade": cell.grade or column.grade,
                    "weak": cell.weak,
                    "status": value.status,
                    "signature": value.signature,
                    "asked": value.asked,
                    "system_settings": value.system,
                    "notes": "; ".join(table.notes[number - 1] for number in cell.marks),
                }
            )
    return found


def _csv(made: "pd.DataFrame") -> str:
    """Comma-separated values."""
    text: str = made.to_csv(index=False)
    return text


def _json(made: "pd.DataFrame") -> str:
    """A list of JSON objects; what is not known is null."""
    text: str = made.to_json(orient="records", force_ascii=False, indent=1, double_precision=15)
    return text + "\n"


_DATA: Mapping[str, Callable[["pd.DataFrame"], str]] = {"csv": _csv, "json": _json}


FORMATS: Mapping[str, Callable[[Wide], str]] = {
    "md": as_markdown,
    "latex": as_latex,
    "csv": lambda table: _csv(frame(table)),
    "json": lambda table: _json(frame(table)),
    "html": as_html,
}
_TITLES: Mapping[str, str] = {"md": "**{}**\n\n", "latex": "% {}\n", "html": "<h3>{}</h3>\n"}


def formatted(name: str, table: Wide) -> str:
    """A table in the format of that name; UsageError for one that does not exist."""
    if name not in FORMATS:
        raise UsageError(f"-f {name}: expected one of {', '.join(FORMATS)}")
    return FORMATS[name](table)


def titled(name: str, tables: Mapping[str, Wide]) -> str:
    """Several tables, each under its title; as data (csv, json) they are one list, which says the title of each row."""
    if name not in FORMATS or name in _TITLES:
        return "\n".join(
            _TITLES.get(name, "").format(title) + formatted(name, table) for title, table in tables.items()
        )
    import pandas as pd

    frames = [frame(table).assign(table=title) for title, table in tables.items() if table.rows]
    return _DATA[name](pd.concat(frames, ignore_index=True))
