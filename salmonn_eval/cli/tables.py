"""`table`: one table over finished runs; and the captions that tables carry."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salmonn_eval.engine.rundir import RunDirectory
    from salmonn_eval.records import MetricValue

_HEADINGS = {
    "mini": "mini (synthetic)",
    "mini-real": "mini-real (real recordings, embedded)",
    "paper": "paper test sets",
}


def table(
    runs: Annotated[list[Path], typer.Argument(help="Run directories or results.json files.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Also the strict reading: what was not followed counts as wholly wrong.")
    ] = False,
    breakdown: Annotated[
        bool, typer.Option("--breakdown", help="Also the groups that a test set is broken down by (gender, slot).")
    ] = False,
    format_: Annotated[
        str | None, typer.Option("--format", "-f", help="Systems by tasks, as md, latex, csv, json or html.")
    ] = None,
    like: Annotated[
        str | None, typer.Option("--like", help="paper: the paper's Tables 3(a) and 3(b) with these runs, graded.")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="With -f or --like: let a column mix scoring or questions, and mark it.")
    ] = False,
    common: o.Common = False,
    markdown: o.Markdown = False,
    json: o.Json = False,
) -> None:
    """Print the results of one run, or of several side by side; refuses to mix what cannot be compared."""
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.errors import UsageError
    from salmonn_eval.report import load
    from salmonn_eval.report import table as tables

    values = _on_common(runs) if common else load.joined(runs)
    if like not in (None, "paper"):
        raise UsageError(f"--like {like}: expected paper, whose tables are the only ones known")
    if mixed and format_ is None and like is None:
        raise UsageError("--mixed goes with -f FORMAT: the plain table keeps what differs apart by itself")
    if like is not None:
        say(_like_paper(format_ or "md", values, mixed).rstrip())
    elif format_ is not None:
        say(_formatted(format_, runs, values, mixed).rstrip())
    elif json:
        say_json(tables.rows(values))
    elif markdown:
        say(tables.markdown(values, strict=strict, breakdown=breakdown))
    else:
        say(tables.text(values, strict=strict, breakdown=breakdown, columns=terminal_columns()))


def _on_common(runs: "Sequence[Path]") -> "Sequence[MetricValue]":
    from salmonn_eval.report import load
    from salmonn_eval.report.common import on_common
    from salmonn_eval.report.scored import read_scored

    return load.named(list(zip(runs, on_common([read_scored(run) for run in runs]), strict=True)))


def _formatted(name: str, runs: "Sequence[Path]", values: "Sequence[MetricValue]", mixed: bool) -> str:
    from salmonn_eval.report.formats import formatted
    from salmonn_eval.report.load import seeded
    from salmonn_eval.report.wide import wide

    return formatted(name, wide(values, seeds=seeded(runs, values), mixed=mixed))


def _like_paper(name: str, values: "Sequence[MetricValue]", mixed: bool) -> str:
    from salmonn_eval.report.formats import titled
    from salmonn_eval.report.paper import like_paper

    return titled(name, {f"Table {part}": table for part, table in like_paper(values, mixed=mixed).items()})


def caption(run: "RunDirectory") -> str:
    """The suites of a run, synthetic speech being called so; and how much of each set was asked where not all was."""
    state = run.read()
    suites = dict.fromkeys(plan.suite for plan in state.plan)
    limited = [plan for plan in state.plan if plan.n_planned + plan.n_absent < plan.n_total]
    parts = [
        f"{plan.name} {plan.n_planned} of {plan.n_total}"
        + (f" ({plan.n_absent} absent or left out)" if plan.n_absent else "")
        for plan in state.plan
        if plan.n_planned < plan.n_total
    ]
    more = "; all of them with --limit 0" if limited else ""
    part = f"a part of the test sets: {', '.join(parts)}{more}" if parts else ""
    heading = "imported log" if state.spec.imported else ", ".join(_HEADINGS[suite] for suite in suites)
    return "; ".join(text for text in (heading, part) if text)


def terminal_columns() -> int:
    """Columns to print in: the terminal's, at most 140; 100 where there is none."""
    return min(140, shutil.get_terminal_size((100, 24)).columns)
