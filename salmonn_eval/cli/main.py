"""The program `salmonn-eval`: its commands, and how faults become one sentence and an exit code."""

import os
import sys
from typing import Annotated

import click
import typer

from salmonn_eval.cli import (
    check,
    compare,
    diagnose,
    doctor,
    leaderboard,
    listing,
    metric,
    new,
    prepare,
    probe,
    report,
    run,
    score,
    show,
    tables,
    train,
    validate,
)
from salmonn_eval.errors import ExitCode, SalmonnEvalError
from salmonn_eval.version import __version__

app = typer.Typer(
    name="salmonn-eval",
    help="Evaluate audio language models: a task asks, a model answers, a scorer measures, a run remembers.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich would double the time to start
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command("run")(run.command("run"))
app.command("predict")(run.command("predict"))
app.command("sweep")(run.command("sweep"))
app.command("score")(score.score)
app.command("metric")(metric.metric)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("validate")(validate.validate)
app.command("table")(tables.table)
app.command("compare")(compare.compare)
app.command("check")(check.check)
app.command("diagnose")(diagnose.diagnose)
app.command("report")(report.report)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("probe")(probe.probe)
app.command("merge")(score.merge)
app.command("import")(score.import_)
app.command("prepare")(prepare.prepare)
app.command("doctor")(doctor.doctor)
app.add_typer(new.app, name="new")
app.add_typer(train.app, name="train")


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print tracebacks (before the command).", envvar="SALMONN_EVAL_DEBUG")
    ] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit()
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


def main() -> None:
    """Run the command line and end with the documented exit code."""
    debug = "--debug" in sys.argv or bool(os.environ.get("SALMONN_EVAL_DEBUG"))
    sys.exit(_guarded(debug))


def _guarded(debug: bool) -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except SalmonnEvalError as fault:
        _report(f"error: {fault}", debug)
        return fault.exit_code
    except click.ClickException as fault:
        _report(f"error: {fault.format_message()}", debug)
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        _report("interrupted; repeat the command to go on", debug)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as fault:  # the process's own edge: a bug ends as one sentence, not as a traceback
        _report(f"internal error: {type(fault).__name__}: {fault}; --debug shows where, please report it", debug)
        return ExitCode.INTERNAL


def _report(sentence: str, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    print(sentence, file=sys.stderr)
