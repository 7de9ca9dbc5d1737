"""`doctor`: what this machine has and what is missing, with the way to mend it."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from salmonn_eval.api.defaults import DEFAULT_OUT
from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.data.inventory import Stock


class Check(NamedTuple):
    """Whether a thing is as it should be, what it is, what was found, and in one word how it stands."""

    ok: bool
    what: str
    found: str
    state: str = ""

    @property
    def word(self) -> str:
        """`ok`, `missing`, or what the check itself says: `partial`, `open`."""
        return self.state or ("ok" if self.ok else "missing")


def doctor(
    model: Annotated[
        str | None, typer.Option("--model", help="Also check one model: its card, files, packages.")
    ] = None,
    model_arg: o.ModelArg = None,
    model_path: o.ModelPath = None,
    data: o.Data = None,
    fetch: Annotated[str | None, typer.Option("--fetch", help="First get what a metric needs: spice.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="For --fetch: an address, an archive, a folder, or maven (default: Stanford's)."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Check the installation, the folders it writes to, the test sets, and (with --model) one model.

    A test set is found (ok), partial, missing, or open: its corpus was not pointed at with --data. Ends with 4 if
    something that was asked for is missing.
    """
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.console import say, say_json

    if fetch is not None or source is not None:
        _fetch(fetch, source)
    checks = [*_installation(), *_folders(), *_data(parse.pairs("--data", data))]
    if model is not None:
        checks.append(_model(model, parse.pairs("--model-arg", model_arg), model_path or []))
    if json:
        say_json([{"ok": c.ok, "state": c.word, "what": c.what, "found": c.found} for c in checks])
    else:
        for check in checks:
            say(f"{check.word:7}  {check.what}: {check.found}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 4)


def _fetch(what: str | None, source: str | None) -> None:
    from salmonn_eval.cachefolder import cache_folder
    from salmonn_eval.cli.console import tell
    from salmonn_eval.errors import UsageError
    from salmonn_eval.scorers.captions.fetch import fetch

    if what != "spice":
        raise UsageError(f"--fetch is {what!r}; expected spice" if what else "--from goes with --fetch spice")
    fetch(source, cache_folder() / "spice", tell)


def _installation() -> Iterator[Check]:
    from salmonn_eval.bundled import bundled
    from salmonn_eval.scorers.registry import availability
    from salmonn_eval.version import __version__

    yield Check(True, "salmonn-eval", f"{__version__} on Python {platform.python_version()}, {os.cpu_count()} cores")
    for package in ("torch", "transformers", "datasets", "soundfile", "soxr"):
        try:
            yield Check(True, package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Check(False, package, f"not installed; pip install {package}")
    for folder in ("tasks", "model"):
        place = bundled(folder)
        yield Check(place.is_dir(), f"bundled {folder}", str(place))
    yield _java()
    lacking = [name for name, why in availability().items() if why]
    absent = f"; not at hand: {', '.join(lacking)} (`list metrics` says why)" if lacking else ""
    yield Check(True, "metrics", f"{len(availability()) - len(lacking)} available{absent}")


def _java() -> Check:
    from salmonn_eval.errors import PrerequisiteError
    from salmonn_eval.scorers.captions.java import version

    try:
        return Check(True, "java", version())
    except PrerequisiteError as fault:
        return Check(False, "java", str(fault))


def _folders() -> Iterator[Check]:
    from salmonn_eval.cachefolder import cache_folder

    for what, folder in (("cache", cache_folder()), ("runs", DEFAULT_OUT.absolute())):
        place = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(place).free / 1e9
        writable = os.access(place, os.W_OK)
        yield Check(
            writable, what, f"{folder}, {free:.1f} GB free" if writable else f"{folder} is not writable; see --out"
        )


def _data(corpora: dict[str, str]) -> Iterator[Check]:
    """Every test set: how much of it is there, or how to get its corpus."""
    from salmonn_eval.data.inventory import take_stock
    from salmonn_eval.errors import SalmonnEvalError
    from salmonn_eval.tasks.discover import discover

    folders = {corpus: Path(folder).expanduser() for corpus, folder in corpora.items()}
    for task in discover().tasks:
        for name, dataset in task.spec.datasets.items():
            what = f"{task.spec.id}:{name}"
            if dataset.source == "in-house":
                continue
            if dataset.corpus is not None and dataset.corpus not in folders:
                size = f"{dataset.n_expected:,} items; " if dataset.n_expected else ""
                yield Check(True, what, f"{size}{dataset.get}; licence: {dataset.licence}", "open")
                continue
            try:
                yield _stocked(what, take_stock(dataset, Path(task.root), folders))
            except SalmonnEvalError as fault:
                yield Check(False, what, str(fault))


def _stocked(what: str, stock: "Stock") -> Check:
    """One test set's line: counts, hours, disk, and what there is to know of it."""
    from salmonn_eval.cli.console import hours

    if stock.status == "missing":
        return Check(False, what, stock.why or "nothing of it is there")
    parts = [f"{stock.present:,} of {stock.items:,} items", hours(stock.seconds), f"{stock.size / 1e6:,.0f} MB"]
    if stock.expected not in (None, stock.items):
        parts.append(f"{stock.expected:,} items expected")
    return Check(
        True, what, "; ".join([", ".join(parts), *stock.remarks]), "" if stock.status == "found" else "partial"
    )


def _model(name: str, arguments: dict[str, str], folders: list[Path]) -> Check:
    from salmonn_eval.cli.trial import answer_a_tone
    from salmonn_eval.errors import SalmonnEvalError
    from salmonn_eval.models import registry

    try:
        card = registry.resolve(name, arguments, folders=folders)
        model = registry.load(card, device="auto", dtype=card.dtype, batch_size=None)
        heard = answer_a_tone(model) if card.capabilities.audio else "hears no audio"
    except SalmonnEvalError as fault:
        return Check(False, f"model {name}", str(fault))
    return Check(
        True,
        f"model {name}",
        f"loads; backend {card.backend}, {card.dtype}, fingerprint {card.fingerprint}; {heard}",
    )
