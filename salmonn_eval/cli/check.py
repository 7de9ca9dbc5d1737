"""`check`: the gate of a merge."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.report.likeness import Choice


def check(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    baseline: Annotated[Path, typer.Option("--baseline", help="The baseline file that the run is held against.")],
    variant: o.Variant = None,
    against: o.Against = None,
    strict: Annotated[bool, typer.Option("--strict", help="Inconclusive fails too (exit 1).")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Make the run the baseline, keeping the file's tolerances.")
    ] = False,
    annotations: Annotated[
        bool | None,
        typer.Option(
            "--annotations/--no-annotations", help="Annotations for GitHub Actions (default: where it runs there)."
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML into this file.")] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="Append a summary in Markdown to this file (GITHUB_STEP_SUMMARY).")
    ] = None,
    json: o.Json = False,
) -> None:
    """Hold a run against a baseline: pass, regress (exit 1) or inconclusive for every headline metric.

    Exit 2 for what cannot be compared, 3 for an incomplete run or a metric that is absent.
    """
    from salmonn_eval.cli.console import say, say_json, tell
    from salmonn_eval.cli.tables import terminal_columns
    from salmonn_eval.errors import ExitCode, UsageError
    from salmonn_eval.jsonl import write_atomic
    from salmonn_eval.report import gate, gate_ci, gate_text
    from salmonn_eval.report.baseline import read_baseline
    from salmonn_eval.report.likeness import choice
    from salmonn_eval.report.scored import read_scored

    chosen, held = choice("--variant", variant), choice("--against", against)
    if update:
        if against is not None:
            raise UsageError("--against goes with a comparison; with --update, --variant alone says what to keep")
        _update(run, baseline, chosen)
        return
    if (variant is None) != (against is None):
        raise UsageError("--variant and --against go together: --variant lora_scale=1 --against lora_scale=4")
    report = gate.check(read_scored(run), read_baseline(baseline), str(baseline), chosen, held)
    if json:
        say_json(report)
    else:
        say(gate_text.text(report, columns=terminal_columns()).rstrip())
    if annotations if annotations is not None else os.environ.get("GITHUB_ACTIONS") == "true":
        for line in gate_ci.annotations(report, strict=strict):
            (tell if json else say)(line)
    if junit is not None:
        write_atomic(junit, [gate_ci.junit(report, strict=strict)])
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(gate_text.summary(report))
    fails = report.outcome == "regress" or (strict and report.outcome == "inconclusive")
    raise typer.Exit(ExitCode.NEGATIVE if fails else ExitCode.OK)


def _update(run: Path, path: Path, chosen: "Choice") -> None:
    from salmonn_eval.cli.console import say
    from salmonn_eval.report.baseline import make_baseline

    made = make_baseline(run, path, chosen)
    metrics = sum(len(entry.metrics) for entry in made.sets)
    say(f"{path}: {metrics} metrics of {len(made.sets)} test sets of {made.model}")
