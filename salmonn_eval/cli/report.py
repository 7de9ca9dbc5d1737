"""`report`: a run, or two side by side, as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


def report(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    other: Annotated[Path | None, typer.Argument(help="Another run directory, to stand beside it.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page (default: RUN/report.html).")] = None,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Let the page play what was heard (default: yes).")
    ] = True,
    audio_cap: Annotated[
        float,
        typer.Option("--audio-cap", min=0.0, help="Megabytes of sound in the page; the rest is linked beside it."),
    ] = 20.0,
    json: o.Json = False,
) -> None:
    """Write a page that opens offline: cards, tables, plots, and every answer with its sound, filters and scales."""
    from salmonn_eval.cli.console import say, say_json, tell
    from salmonn_eval.errors import UsageError
    from salmonn_eval.jsonl import write_atomic
    from salmonn_eval.report.page.build import page
    from salmonn_eval.report.page.heard import Heard, folder_of, silent

    place = output or run / "report.html"
    if place.is_dir() or not place.parent.is_dir():
        raise UsageError(f"-o {place}: expected a file in a folder that exists, e.g. -o report.html")
    heard = Heard(folder_of(place), int(audio_cap * 1e6)) if audio else None
    made = page([run] if other is None else [run, other], heard or silent, tell)
    try:
        write_atomic(place, [made.text.encode()])
    except OSError as fault:
        raise UsageError(f"-o {place}: cannot be written ({fault.strerror}); name another file") from fault
    sounds = (heard.embedded, heard.linked, heard.missing) if heard else (0, 0, 0)
    if json:
        counts = dict(zip(("embedded", "linked", "missing"), sounds, strict=True))
        say_json({"page": str(place), "items": made.entries, "answers": made.answers, "sounds": counts})
        return
    size = place.stat().st_size / 1e6
    say(f"{made.answers:,} answers to {made.entries:,} items, {size:.1f} MB")
    if heard is not None and heard.linked:
        say(f"{heard.linked} of {sum(sounds)} sounds lie beside the page, in {folder_of(place)}: move both together")
    if heard is not None and heard.missing:
        say(f"{heard.missing} of {sum(sounds)} sounds could not be read; the page says why beside each")
    say(f"page: {place}")
