"""From run directories to a page: read, join, draw, render sounds, write."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.diagnose import everything
from salmonn_eval.diagnose.reading import read_run
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import write_atomic
from salmonn_eval.probes.probe import read_diagnosis
from salmonn_eval.records import MetricValue
from salmonn_eval.report import load
from salmonn_eval.report.common import on_common
from salmonn_eval.report.comparison import compare_runs
from salmonn_eval.report.page import cards, figures, sounds, tables
from salmonn_eval.report.page.assemble import assemble
from salmonn_eval.report.page.payload import Payload, RunHead, Texts
from salmonn_eval.report.page.samples import BothReadings, Gathered, gather
from salmonn_eval.report.scored import ScoredRun, read_scored
from salmonn_eval.version import __version__

LABELS = ("A", "B")
PROBES = ("perplexity", "selection", "forgetting", "hallucination", "collapse_probe")
"""What `probe` leaves in a run's `diagnosis/` folder."""


class Wanted(Struct, frozen=True):
    """What goes into the page. `audio_cap`: bytes of audio in the page itself (None: no audio at all)."""

    audio_cap: int | None = 20_000_000
    plots: bool = True
    common: bool = False


class Written(Struct, frozen=True):
    """What was written: samples and answers shown, bytes of the page, sounds held, linked (in `folder`) and absent."""

    samples: int
    answers: int
    size: int
    held: int
    linked: int
    absent: int
    folder: Path


def write_page(
    paths: Sequence[Path],
    output: Path,
    wanted: Wanted = Wanted(),  # noqa: B008 - frozen
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Written:
    """Write one run, or two side by side, as `output`, with a folder beside it for audio beyond the cap.

    `progress` is told how many of how many sounds are rendered, which is what takes long.

    Raises:
        UsageError: no run directory; two runs that a table refuses to mix; `output` cannot be written.
        IncompleteError: a run was not answered or scored to the end.
    """
    for path in paths:
        RunDirectory(path).scored()
    _check(output)
    runs = [BothReadings(read_scored(path), read_run(path)) for path in paths]
    scored = [run.scored for run in runs]
    values = _values(paths, scored, wanted.common)
    texts, clips = Texts(), sounds.Clips()
    gathered = gather(runs, texts, clips, _shared(scored) if wanted.common else None)
    shown = _shown(paths, scored, values, wanted)
    folder = output.with_name(f"{output.stem}-audio")
    try:
        if wanted.audio_cap is None:
            rendered = sounds.none(clips)
        else:
            rendered = sounds.render(clips, wanted.audio_cap, folder, quote(folder.name), progress)
        payload = Payload(_heads(paths, scored), gathered.sets, gathered.samples, rendered.sounds, texts.all())
        write_atomic(output, assemble(payload, rendered.held, shown))
    except OSError as fault:
        raise UsageError(f"{output}: cannot be written ({fault.strerror}); name a file in a writable folder") from fault
    return _written(output, gathered, rendered, folder)


def _check(output: Path) -> None:
    """UsageError, before anything is computed, where the page could not be written."""
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; expected the page's file, as -o {output / 'report.html'}")
    if not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}; make it, or name a file elsewhere with -o")


def _values(paths: Sequence[Path], scored: Sequence[ScoredRun], common: bool) -> list[list[MetricValue]]:
    """The values of each run, under names that tell runs of one model apart."""
    found = on_common(scored) if common else [load.results(path) for path in paths]
    named = iter(load.named(list(zip(paths, found, strict=True))))
    return [[next(named) for _ in values] for values in found]


def _shared(scored: Sequence[ScoredRun]) -> set[tuple[str, str]]:
    held = [{(one.name, id_) for one in run.sets for id_ in one.items} for run in scored]
    return set.intersection(*held)


def _heads(paths: Sequence[Path], scored: Sequence[ScoredRun]) -> tuple[RunHead, ...]:
    return tuple(
        RunHead(
            label=label if len(scored) > 1 else "",
            model=run.card.name,
            name=path.resolve().name,
            scales=tuple(sorted({v.lora_scale for v in run.variants if v.lora_scale is not None})),
            default=run.card.default_lora_scale,
        )
        for label, path, run in zip(LABELS, paths, scored, strict=False)
    )


def _shown(
    paths: Sequence[Path], scored: Sequence[ScoredRun], values: Sequence[list[MetricValue]], wanted: Wanted
) -> dict[str, Any]:
    """What the template shows besides samples; UsageError where a table refuses to mix the runs."""
    every = [value for found in values for value in found]
    results = list(_tables(paths, scored, every, wanted.common))  # first: it may refuse
    found = [everything.diagnose(path) for path in paths]
    probes = [[file for name in PROBES if (file := path / "diagnosis" / f"{name}.json").exists()] for path in paths]
    heads = _heads(paths, scored)
    return {
        "version": __version__,
        "runs": [
            {
                "head": head,
                "state": run.state,
                "facts": list(cards.facts(run, diagnoses)),
                "tables": [*tables.diagnosed(diagnoses), *(tables.probed(read_diagnosis(file)) for file in files)],
                "figures": list(_figures(head, diagnoses, own, files, wanted)),
            }
            for head, run, diagnoses, own, files in zip(heads, scored, found, values, probes, strict=True)
        ],
        "cards": list(cards.cards(scored, values)),
        "curve": {"wide": cards.WIDE, "tall": cards.TALL},
        "tables": results,
    }


def _figures(
    head: RunHead, found: everything.Diagnoses, values: list[MetricValue], probes: list[Path], wanted: Wanted
) -> Iterator[figures.Figure]:
    if wanted.plots:
        yield from figures.figures(head.label.lower() or "run", found, values, probes)


def _tables(
    paths: Sequence[Path], scored: Sequence[ScoredRun], every: list[MetricValue], common: bool
) -> Iterator[tables.Table]:
    whole = tables.every(every)  # first: what it refuses, it refuses with the advice that fits
    if any(value.headline and value.status != "not applicable" for value in every):
        yield tables.headline(every, load.seeded(paths, every))
    if len(scored) > 1:
        try:
            found = tables.compared(compare_runs(scored[0], scored[1], {}, {}, common=common))
        except UsageError as fault:  # what a table may show side by side need not pair
            found = tables.Table("A beside B, paired by sample", (), (), 0, (f"not paired: {fault}",))
        yield replace(found, notes=tuple(_by_name(note, paths) for note in found.notes))
    yield whole


def _by_name(text: str, paths: Sequence[Path]) -> str:
    """A text that names runs by their paths, with their folders' names alone: pages travel."""
    for path in paths:
        text = text.replace(str(path), path.resolve().name)
    return text


def _written(output: Path, gathered: Gathered, rendered: sounds.Rendered, folder: Path) -> Written:
    return Written(
        samples=len(gathered.samples),
        answers=sum(len(sample.answers) for sample in gathered.samples),
        size=output.stat().st_size,
        held=len(rendered.held),
        linked=rendered.linked,
        absent=sum(sound.kind == "absent" for sound in rendered.sounds),
        folder=folder,
    )
