"""Perplexity and selection over the LoRA scale, as small panels, a test set each; SVG and PNG."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval.figures import FIRST, GREY, SECOND, THIRD, Line, Point, curve, legend, panels, save
from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.probes.probe import read_diagnosis

NARROW = 10.0  # ends of a logarithmic axis closer than this get finer numbers


class Plot(Struct, frozen=True):
    """One figure: its measures, and its vertical axis."""

    title: str
    axis: str
    lines: Mapping[str, Line]
    scale: str = "linear"
    limits: tuple[float, float] | None = None
    chance: float | None = None


PLOTS: Mapping[str, Plot] = {
    "perplexity": Plot(
        "Perplexity of reference answers over the LoRA scale",
        "perplexity",
        {
            "perplexity_instructed": Line("with the task's instruction", *FIRST),
            "perplexity_marginal": Line("over fixed instructions", *SECOND),
            "perplexity_empty": Line("without an instruction", *THIRD),
        },
        scale="log",
    ),
    "selection": Plot(
        "Does the instruction choose the answer? Over the LoRA scale",
        "share of samples",
        {
            "contrast": Line("moves the choice (contrast)", *FIRST),
            "decides": Line("decides it", *SECOND),
            "rival_wins": Line("the transcript or caption wins", *THIRD),
        },
        limits=(-0.05, 1.05),
        chance=0.5,
    ),
}


def draw(folder: Path) -> list[Path]:
    """Draw what lies in a probe's folder; the files that were written. A diagnosis at one scale has no curve."""
    written: list[Path] = []
    for name, plot in PLOTS.items():
        file = folder / f"{name}.json"
        if file.exists() and len(_scales(diagnosis := read_diagnosis(file))) > 1:
            written += _figure(diagnosis, plot, folder / "plots" / name)
    return written


def _scales(diagnosis: Diagnosis) -> list[float]:
    return sorted({finding.scale for finding in diagnosis.findings if finding.scale is not None})


def _figure(diagnosis: Diagnosis, plot: Plot, stem: Path) -> list[Path]:
    sets: dict[str, list[Finding]] = {}
    for finding in diagnosis.findings:
        if finding.value is not None and finding.scale is not None:
            sets.setdefault(f"{finding.task} · {finding.dataset}", []).append(finding)
    figure, axes = panels(len(sets), share_y=plot.scale == "linear")
    for axis, (name, findings) in zip(axes, sets.items(), strict=True):
        _panel(axis, plot, name, findings, diagnosis.default_scale)
    legend(figure, len(plot.lines))
    figure.suptitle(f"{plot.title}: {diagnosis.model}", fontsize=11)
    figure.supylabel(plot.axis, fontsize=9)
    return save(figure, stem)


def _panel(axis: Any, plot: Plot, name: str, findings: Sequence[Finding], default: float | None) -> None:
    for measure, line in plot.lines.items():
        curve(axis, line, list(_points(finding for finding in findings if finding.measure == measure)))
    if plot.chance is not None:
        axis.axhline(plot.chance, color=GREY, linewidth=0.7)
    if default is not None:
        axis.axvline(default, color=GREY, linewidth=0.7)
    axis.set_yscale(plot.scale)
    if plot.scale == "log":
        _plain_numbers(axis)
    if plot.limits:
        axis.set_ylim(*plot.limits)
    axis.set_title(name, fontsize=9)


def _points(findings: Iterable[Finding]) -> Iterator[Point]:
    for finding in findings:
        if finding.scale is not None and finding.value is not None:
            yield Point(finding.scale, finding.value, (finding.ci.low, finding.ci.high) if finding.ci else None)


def _plain_numbers(axis: Any) -> None:
    """A few whole numbers on a logarithmic axis, as 1, 3, 10 and not as powers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_ylim()
    near = high / max(low, 1e-9) < NARROW
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 1.2, 1.5, 2, 3, 5, 7) if near else (1, 3), numticks=6))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
