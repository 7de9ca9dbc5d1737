"""`doctor`: what this machine has and what is missing, with the way to mend it."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o
from salmonn_eval.cli.defaults import DEFAULT_OUT

Check = tuple[bool, str, str]


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
    """Check the installation, the folders it writes to, the test sets at hand, and (with --model) one model.

    Ends with 4 if something that was asked for is missing.
    """
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.console import say, say_json

    if fetch is not None or source is not None:
        _fetch(fetch, source)
    checks = [*_installation(), *_folders(), *_data(parse.pairs("--data", data))]
    if model is not None:
        checks.append(_model(model, parse.pairs("--model-arg", model_arg), model_path or []))
    if json:
        say_json([{"ok": ok, "what": what, "found": found} for ok, what, found in checks])
    else:
        for ok, what, found in checks:
            say(f"{'ok     ' if ok else 'missing'}  {what}: {found}")
    raise typer.Exit(0 if all(ok for ok, _, _ in checks) else 4)


def _fetch(what: str | None, source: str | None) -> None:
    from salmonn_eval.cachefolder import cache_folder
    from salmonn_eval.cli.console import tell
    from salmonn_eval.errors import UsageError
    from salmonn_eval.scorers.captions.fetch import fetch

    if what != "spice":
        raise UsageError(f"--fetch is {what!r}; expected spice" if what else "--from goes with --fetch spice")
    fetch(source, cache_folder() / "spice", tell)


def _installation() -> Iterator[Check]:
    from salmonn_eval import __version__
    from salmonn_eval.bundled import bundled
    from salmonn_eval.scorers.registry import availability

    yield True, "salmonn-eval", f"{__version__} on Python {platform.python_version()}, {os.cpu_count()} cores"
    for package in ("torch", "transformers", "datasets", "soundfile", "soxr"):
        try:
            yield True, package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield False, package, f"not installed; pip install {package}"
    for folder in ("tasks", "model"):
        place = bundled(folder)
        yield place.is_dir(), f"bundled {folder}", str(place)
    yield _java()
    lacking = [name for name, why in availability().items() if why]
    absent = f"; not at hand: {', '.join(lacking)} (`list metrics` says why)" if lacking else ""
    yield True, "metrics", f"{len(availability()) - len(lacking)} available{absent}"


def _java() -> Check:
    from salmonn_eval.errors import PrerequisiteError
    from salmonn_eval.scorers.captions.java import version

    try:
        return True, "java", version()
    except PrerequisiteError as fault:
        return False, "java", str(fault)


def _folders() -> Iterator[Check]:
    from salmonn_eval.cachefolder import cache_folder

    for what, folder in (("cache", cache_folder()), ("runs", DEFAULT_OUT.absolute())):
        place = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(place).free / 1e9
        writable = os.access(place, os.W_OK)
        yield writable, what, f"{folder}, {free:.1f} GB free" if writable else f"{folder} is not writable; see --out"


def _data(corpora: dict[str, str]) -> Iterator[Check]:
    """Every test set that is embedded or that the user points at."""
    from salmonn_eval.data.sources import open_source
    from salmonn_eval.errors import SalmonnEvalError
    from salmonn_eval.tasks.discover import discover

    folders = {corpus: Path(folder) for corpus, folder in corpora.items()}
    for task in discover().tasks:
        for name, dataset in task.spec.datasets.items():
            if dataset.corpus is not None and dataset.corpus not in folders:
                continue
            try:
                source = open_source(dataset, Path(task.root), folders)
                present = sum(1 for _ in source.samples())
                absent = len(source.absent())
                found = f"{present} samples" + (f", {absent} absent" if absent else "")
                yield True, f"{task.spec.id}:{name}", found
            except SalmonnEvalError as fault:
                yield False, f"{task.spec.id}:{name}", str(fault)


def _model(name: str, arguments: dict[str, str], folders: list[Path]) -> Check:
    from salmonn_eval.cli.trial import answer_a_tone
    from salmonn_eval.errors import SalmonnEvalError
    from salmonn_eval.models import registry

    try:
        card = registry.resolve(name, arguments, folders=folders)
        model = registry.load(card, device="auto", dtype=card.dtype, batch_size=None)
        heard = answer_a_tone(model) if card.capabilities.audio else "hears no audio"
    except SalmonnEvalError as fault:
        return False, f"model {name}", str(fault)
    return (
        True,
        f"model {name}",
        f"loads; backend {card.backend}, {card.dtype}, fingerprint {card.fingerprint}; {heard}",
    )
