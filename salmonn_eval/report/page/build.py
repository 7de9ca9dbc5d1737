"""The page as one file: still parts, data and scripts, so put together that nothing of a run acts as markup or code."""

import base64
import hashlib
import html
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.diagnose import everything
from salmonn_eval.diagnose.reading import read_run
from salmonn_eval.report import load
from salmonn_eval.report.page import parts
from salmonn_eval.report.page.content import Content
from salmonn_eval.report.page.gather import Hear, Read, gather
from salmonn_eval.report.scored import ScoredRun, read_scored
from salmonn_eval.version import __version__

SCRIPTS = ("align", "data", "filters", "list", "detail", "main")


class Page(Struct, frozen=True):
    """The page's text, and how many items and answers it shows."""

    text: str
    entries: int
    answers: int


def page(runs: Sequence[Path], hear: Hear, note: Callable[[str], None]) -> Page:
    """Build the page of one run, or of several side by side.

    Raises:
        UsageError: one is no run folder, or two were scored or asked differently where one table would mix them.
        IncompleteError: one was not answered or scored to the end.
    """
    read = [read_scored(path) for path in runs]
    values = load.joined(runs)
    names = _names(read)
    table = parts.results(values)
    note("diagnosing")
    found = [everything.diagnose(path) for path in runs]
    note("rendering what was heard")
    content = gather([Read(name, one, read_run(path)) for name, one, path in zip(names, read, runs, strict=True)], hear)
    own = [load.results(path) for path in runs]
    text = _assembled(
        {
            "title": html.escape(" and ".join(names)),
            "facts": "".join(map(_facts, names, read)) if len(read) > 1 else _facts("", read[0]),
            "cards": _each(names, (parts.cards(one, mine) for one, mine in zip(read, own, strict=True))),
            "results": table,
            "plots": _each(names, (parts.plots(one, mine) for one, mine in zip(found, own, strict=True))),
            "diagnoses": _each(names, map(parts.diagnoses, found)),
            "footer": html.escape(
                f"salmonn-eval {__version__}. Everything on this page is in the page: it opens offline."
            ),
            "data": as_data(content),
        }
    )
    return Page(text, len(content.entries), sum(len(entry.answers) for entry in content.entries))


def as_data(content: Content) -> str:
    """JSON that is safe inside a script element: no character of it can end the element or a line of code."""
    text = msgspec.json.encode(content).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _assembled(filled: dict[str, str]) -> str:
    scripts = [_asset(f"{name}.js") for name in SCRIPTS]
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    filled = {
        **filled,
        "style": _asset("page.css"),
        "hashes": hashes,
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    pieces = _asset("page.html").split("{{")
    return pieces[0] + "".join(_filled(piece, filled) for piece in pieces[1:])


def _filled(piece: str, filled: dict[str, str]) -> str:
    name, rest = piece.split("}}", 1)
    return filled[name] + rest


def _asset(name: str) -> str:
    return (files("salmonn_eval.report.page") / "assets" / name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _names(read: Sequence[ScoredRun]) -> list[str]:
    """Each run by its model; where two have one model, by its folder too."""
    models = [run.card.name for run in read]
    return [
        model if models.count(model) == 1 else f"{model} ({run.path.resolve().name})"
        for model, run in zip(models, read, strict=True)
    ]


def _each(names: Sequence[str], made: "Iterator[str] | map[str]") -> str:
    """A part of every run, under its name where there are several."""
    found = list(made)
    if len(found) == 1:
        return found[0] or "<p class='quiet'>none for this run</p>"
    return "".join(f"<h3>{html.escape(name)}</h3>{text}" for name, text in zip(names, found, strict=True))


def _facts(name: str, run: ScoredRun) -> str:
    spec, made = run.state.spec, run.state.provenance[-1] if run.state.provenance else {}
    lost = f", {run.state.errors} failed" if run.state.errors else ""
    told = {
        "run": run.path.resolve().name,
        "model": spec.card.description or spec.card.name,
        "made": f"{run.state.created} with salmonn-eval {made.get('salmonn_eval', '?')}; {run.state.status}{lost}",
        "command": " ".join(map(str, made.get("command", []))),
        "spec": run.state.spec_hash,
    }
    rows = "".join(f"<dt>{key}</dt><dd>{html.escape(value)}</dd>" for key, value in told.items() if value)
    heading = f"<h3>{html.escape(name)}</h3>" if name else ""
    return f"{heading}<dl class='facts'>{rows}</dl>"
