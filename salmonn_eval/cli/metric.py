"""`metric`: one metric over a file of answers and references."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o
from salmonn_eval.errors import ExitCode

if TYPE_CHECKING:
    from salmonn_eval.engine.alone import Alone


def metric(
    name: Annotated[str, typer.Argument(help="The metric, e.g. wer, bleu or meteor (`list metrics`).")],
    file: Annotated[Path, typer.Argument(help='JSONL of {"id", "hyp", "refs"}; cpwer: "hyps"; a judge: "question".')],
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", hidden=True)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE [NAME=VALUE]...",
            help="lang=zh, labels=happy,sad, or one of the metric's settings, e.g. normalizer=none; repeatable.",
        ),
    ] = None,
    judge_model: o.JudgeModel = None,
    judge_url: o.JudgeUrl = None,
    judge_key_env: o.JudgeKeyEnv = None,
    intervals: o.Intervals = "standard",
    json: o.Json = False,
) -> None:
    """Score a file of answers, as a tool of its own: value, interval, counts and signature."""
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.engine.alone import score_file
    from salmonn_eval.engine.judging import judge_settings

    settings = parse.pairs("--set", [*(set_ or ()), *(more or ())])
    language = settings.pop("lang", None)
    labels = tuple(label for label in settings.pop("labels", "").split(",") if label.strip())
    judge = judge_settings(judge_model, judge_url, judge_key_env)
    method = parse.intervals(intervals)
    found = score_file(name, file, settings, language=language, labels=labels, judge=judge, intervals=method)
    if json:
        say_json(found)
    else:
        say(_text(found))
    if not found.n_scored:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _text(found: "Alone") -> str:
    from salmonn_eval.report.cells import UNIT_MARK, number

    unit = UNIT_MARK[found.unit]
    lines = [
        f"{found.metric} undefined"
        if found.value is None
        else f"{found.metric} {number(found.value, found.unit)}{unit}"
    ]
    if found.ci is not None:
        ends = f"[{number(found.ci.low, found.unit)}, {number(found.ci.high, found.unit)}]"
        lines[0] += f" {ends}  95 % interval: {found.ci.method}, {found.ci.n_clusters} clusters"
        lines += [f"caution: {found.ci.caution}"] if found.ci.caution else []
    lines.append(f"{found.n_lines} lines: {found.n_scored} scored, {found.n_unscored} unscored")
    lines += [f"  {count} x {remark}" for remark, count in list(found.remarks.items())[:10]]
    return "\n".join([*lines, found.signature])
