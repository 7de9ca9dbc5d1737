"""`report`: one run, or two side by side, as one HTML page."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.report.page.build import Written

_MB = 1_000_000


def report(
    run: Annotated[Path, typer.Argument(help="A run directory: A.")],
    other: Annotated[Path | None, typer.Argument(help="Another run directory, beside it: B.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the page into this file (default: RUN/report.html).")
    ] = None,
    audio_cap: Annotated[
        float, typer.Option("--audio-cap", min=0.0, help="MB of audio in the page itself; the rest lies beside it.")
    ] = 20.0,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="With what was heard (default: yes).")] = True,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="With plots (default: yes).")] = True,
    common: o.Common = False,
    json: o.Json = False,
) -> None:
    """Write one self-contained HTML page: results, diagnosis, plots, and every sample with audio and alignment.

    It opens without a network or a server. Two runs that a table would not mix are refused (exit 2).
    """
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.errors import UsageError
    from salmonn_eval.report.page.build import Wanted, write_page

    if common and other is None:
        raise UsageError("--common needs another run, beside which the samples are common")
    wanted = Wanted(audio_cap=round(audio_cap * _MB) if audio else None, plots=plots, common=common)
    page = output or run / "report.html"
    written = write_page([run] if other is None else [run, other], page, wanted, _Sounds())
    if json:
        say_json({"page": str(page), **{name: getattr(written, name) for name in _COUNTS}})
    else:
        say(f"report: {page} ({written.size / _MB:.1f} MB; {_told(written)})")


class _Sounds:
    """A line now and then while many sounds are rendered."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        from salmonn_eval.cli.console import PLAIN_EVERY_S, tell

        if time.monotonic() - self._said >= PLAIN_EVERY_S:
            self._said = time.monotonic()
            tell(f"  {done}/{of} sounds")


_COUNTS = ("samples", "answers", "size", "held", "linked", "absent")


def _told(written: "Written") -> str:
    parts = [f"{written.samples:,} samples", f"{written.answers:,} answers"]
    if written.held:
        parts.append(f"{written.held:,} sounds in the page")
    if written.linked:
        parts.append(f"{written.linked:,} in {written.folder.name}/, which belongs beside it")
    if written.absent:
        parts.append(f"{written.absent:,} without audio")
    return ", ".join(parts)
