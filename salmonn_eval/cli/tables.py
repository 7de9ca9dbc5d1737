"""`table`: one table over finished runs; and the captions that tables carry."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.engine.rundir import RunDirectory

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
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown, as in a run's table.md.")] = False,
    json: o.Json = False,
) -> None:
    """Print the results of one run, or of several side by side; refuses to mix what cannot be compared."""
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.report import load
    from salmonn_eval.report import table as tables

    values = load.joined(runs)
    if json:
        say_json(tables.rows(values))
    elif markdown:
        say(tables.markdown(values, strict=strict, breakdown=breakdown))
    else:
        say(tables.text(values, strict=strict, breakdown=breakdown, columns=terminal_columns()))


def caption(run: "RunDirectory") -> str:
    """The suites of a run, synthetic speech being called so; and how much of each set was asked where not all was."""
    state = run.read()
    suites = dict.fromkeys(plan.suite for plan in state.plan)
    limited = [
        f"{plan.name} {plan.n_planned} of {plan.n_total}" for plan in state.plan if plan.n_planned < plan.n_total
    ]
    part = f"a part of the test sets: {', '.join(limited)}; all of them with --limit 0" if limited else ""
    heading = "imported log" if state.spec.imported else ", ".join(_HEADINGS[suite] for suite in suites)
    return "; ".join(text for text in (heading, part) if text)


def terminal_columns() -> int:
    """Columns to print in: the terminal's, at most 140; 100 where there is none."""
    return min(140, shutil.get_terminal_size((100, 24)).columns)
