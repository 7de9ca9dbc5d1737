"""`leaderboard`: the page of ranks, made of committed result files."""

from pathlib import Path
from typing import Annotated

import typer

_BOARD = Path("results/board")


def leaderboard(
    board: Annotated[
        Path, typer.Option("--board", help="Folder of result files (a run's results.json, renamed).")
    ] = _BOARD,
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Beside published numbers (default: yes).")
    ] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the page into this file.")] = None,
) -> None:
    """Rank systems on every test set; those whose intervals overlap share a rank.

    A board each for the paper's test sets, the embedded real recordings, and the synthetic sets.
    """
    from salmonn_eval.cli.console import say
    from salmonn_eval.errors import UsageError
    from salmonn_eval.jsonl import write_atomic
    from salmonn_eval.report import board as boards

    if not board.is_dir():
        raise UsageError(f"{board}: no such folder; copy a run's results.json into it as NAME.json, or say --board DIR")
    entries = [*(boards.published_entries() if published else []), *boards.read_entries(board)]
    if not entries:
        raise UsageError(f"{board}: holds no result file (*.json); copy a run's results.json into it as NAME.json")
    page = boards.leaderboard(entries)
    if output is None:
        say(page.rstrip())
    else:
        write_atomic(output, [page.encode()])
        say(f"{output}: {len({entry.system for entry in entries})} systems")
