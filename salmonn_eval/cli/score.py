"""`score`, `merge` and `import`: results from answers that are there already."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.api.defaults import DEFAULT_OUT
from salmonn_eval.cli import options as o


def score(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    metric: o.Metric = None,
    judge_model: o.JudgeModel = None,
    judge_url: o.JudgeUrl = None,
    judge_key_env: o.JudgeKeyEnv = None,
    model_path: o.ModelPath = None,
    intervals: o.Intervals = "standard",
    max_errors: o.MaxErrors = "1%",
    json: o.Json = False,
) -> None:
    """Score a run's answers (again), without the model; earlier results are kept in its folder `scored/`."""
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.run import show_outcome
    from salmonn_eval.engine.judging import judge_settings
    from salmonn_eval.engine.run import score_run
    from salmonn_eval.engine.rundir import RunDirectory

    metrics = tuple(parse.metric(text) for text in metric or ())
    judge = judge_settings(judge_model, judge_url, judge_key_env, model_paths=model_path or [])
    limit, method = parse.max_errors(max_errors), parse.intervals(intervals)
    outcome = score_run(RunDirectory(run), metrics, limit=limit, judge=judge, intervals=method)
    show_outcome(outcome, json=json)
    raise typer.Exit(outcome.exit_code)


def merge(
    run: Annotated[Path, typer.Argument(help="The run directory of the shards.")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="Further folders that hold shards of the same run.")
    ] = None,
    max_errors: o.MaxErrors = "1%",
    json: o.Json = False,
) -> None:
    """Check that the shards together answer the whole plan, then score it."""
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.run import show_outcome
    from salmonn_eval.engine.merge import merge as merge_shards
    from salmonn_eval.engine.rundir import RunDirectory

    outcome = merge_shards(
        RunDirectory(run), [RunDirectory(other) for other in others or []], parse.max_errors(max_errors)
    )
    show_outcome(outcome, json=json)
    raise typer.Exit(outcome.exit_code)


def import_(
    log: Annotated[Path, typer.Argument(help="Another tool's result file.")],
    task: Annotated[str, typer.Option("--task", help="The task that was asked, e.g. asr.")],
    model: Annotated[str, typer.Option("--model", help="Whose answers they are.")],
    dataset: Annotated[
        str, typer.Option("--dataset", help="The test set's id; one of the task's own where it is that.")
    ],
    language: Annotated[str | None, typer.Option("--language", help="Language of the answers, e.g. en.")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="audiobench, nemo, lm-eval or lmms-eval (default: recognised).")
    ] = None,
    metric: o.Metric = None,
    task_path: o.TaskPath = None,
    out: o.Out = DEFAULT_OUT,
    run_dir: o.RunDir = None,
    max_errors: o.MaxErrors = "1%",
    json: o.Json = False,
) -> None:
    """Make a finished run of another tool's log; what the log does not tell is `unknown`, never guessed."""
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.run import show_outcome
    from salmonn_eval.data.logs.read import read_log
    from salmonn_eval.engine.imports import Imported, import_log
    from salmonn_eval.engine.spec import RunOptions
    from salmonn_eval.tasks.discover import discover
    from salmonn_eval.tasks.selection import find_task

    said = Imported(
        task=find_task(discover(task_path or []), task),
        dataset=dataset,
        model=model,
        language=language,
        metrics=tuple(parse.metric(text) for text in metric or ()),
    )
    settings = RunOptions(
        out=out, run_dir=run_dir, max_errors=parse.max_errors(max_errors), command=("salmonn-eval", *sys.argv[1:])
    )
    outcome = import_log(log, read_log(log, format_), said, settings)
    show_outcome(outcome, json=json)
    raise typer.Exit(outcome.exit_code)
