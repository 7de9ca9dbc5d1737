"""`compare`: two runs, or two variants of one, sample by sample."""

from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


def compare(
    run: Annotated[Path, typer.Argument(help="A run directory: A.")],
    other: Annotated[Path | None, typer.Argument(help="Another run directory: B (default: the same run).")] = None,
    variant: o.Variant = None,
    against: o.Against = None,
    common: o.Common = False,
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="Every metric, not only the headline metrics.")
    ] = False,
    flips: Annotated[int, typer.Option("--flips", min=0, help="How many changed samples to show of each metric.")] = 5,
    markdown: o.Markdown = False,
    json: o.Json = False,
) -> None:
    """Pair A with B: difference, interval, p-value, what could be detected, and the samples that changed.

    Refuses (exit 2) what was scored or asked differently, and one model under different settings.
    """
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.cli.tables import terminal_columns
    from salmonn_eval.errors import UsageError
    from salmonn_eval.report import compare_text
    from salmonn_eval.report.comparison import compare_runs
    from salmonn_eval.report.likeness import choice
    from salmonn_eval.report.scored import read_scored

    if (variant is None) != (against is None):
        raise UsageError("--variant and --against go together: --variant lora_scale=1 --against lora_scale=4")
    if other is None and variant is None:
        raise UsageError(f"{run}: nothing to compare it with; name another run, or --variant X --against Y within it")
    chosen, held = choice("--variant", variant), choice("--against", against)
    a = read_scored(run)
    b = a if other is None else read_scored(other)
    found = compare_runs(a, b, chosen, held, common=common, every_metric=all_metrics)
    if json:
        say_json(found)
    elif markdown:
        say(compare_text.as_markdown(found, flips=flips).rstrip())
    else:
        say(compare_text.text(found, flips=flips, columns=terminal_columns()).rstrip())
