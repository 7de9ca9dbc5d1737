"""Perplexity and selection over the LoRA scale, as small panels, a test set each; SVG and PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.probes.probe import read_diagnosis

COLUMNS = 5
PANEL = (2.5, 2.1)  # inches
NARROW = 10.0  # ends of a logarithmic axis closer than this get finer numbers


class Line(Struct, frozen=True):
    """How one measure is drawn: told apart by colour (Okabe and Ito's), by dash and by marker."""

    label: str
    colour: str
    dash: str
    marker: str


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
            "perplexity_instructed": Line("with the task's instruction", "#0072B2", "-", "o"),
            "perplexity_marginal": Line("over fixed instructions", "#E69F00", "--", "s"),
            "perplexity_empty": Line("without an instruction", "#404040", ":", "^"),
        },
        scale="log",
    ),
    "selection": Plot(
        "Does the instruction choose the answer? Over the LoRA scale",
        "share of samples",
        {
            "contrast": Line("moves the choice (contrast)", "#0072B2", "-", "o"),
            "decides": Line("decides it", "#E69F00", "--", "s"),
            "rival_wins": Line("the transcript or caption wins", "#404040", ":", "^"),
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
    from matplotlib.figure import Figure  # without pyplot: no window system, no state

    panels: dict[str, list[Finding]] = {}
    for finding in diagnosis.findings:
        if finding.value is not None and finding.scale is not None:
            panels.setdefault(f"{finding.task} · {finding.dataset}", []).append(finding)
    rows = -(-len(panels) // COLUMNS)
    figure: Any = Figure(figsize=(PANEL[0] * COLUMNS, PANEL[1] * rows + 0.9), layout="constrained")
    axes = list(figure.subplots(rows, COLUMNS, squeeze=False, sharey=plot.scale == "linear").flat)
    for axis, (name, findings) in zip(axes, panels.items(), strict=False):
        _panel(axis, plot, name, findings, diagnosis.default_scale)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    handles, labels = next(iter(figure.axes)).get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(plot.lines), frameon=False, fontsize=9)
    figure.suptitle(f"{plot.title}: {diagnosis.model}", fontsize=11)
    figure.supylabel(plot.axis, fontsize=9)
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [stem.with_suffix(ending) for ending in (".svg", ".png")]
    for file in files:
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else None)
    return files


def _panel(axis: Any, plot: Plot, name: str, findings: Sequence[Finding], default: float | None) -> None:
    for measure, line in plot.lines.items():
        mine = sorted((f for f in findings if f.measure == measure), key=lambda finding: finding.scale or 0.0)
        at = [finding.scale for finding in mine]
        style = {"color": line.colour, "linestyle": line.dash, "marker": line.marker, "markersize": 4}
        axis.plot(at, [finding.value for finding in mine], label=line.label, linewidth=1.4, **style)
        banded = [finding for finding in mine if finding.ci is not None]
        ends = [(finding.ci.low, finding.ci.high) for finding in banded if finding.ci]
        axis.fill_between(
            [finding.scale for finding in banded],
            [low for low, _ in ends],
            [high for _, high in ends],
            color=line.colour,
            alpha=0.12,
            linewidth=0,
        )
    if plot.chance is not None:
        axis.axhline(plot.chance, color="#999999", linewidth=0.7)
    if default is not None:
        axis.axvline(default, color="#999999", linewidth=0.7)
    axis.set_yscale(plot.scale)
    if plot.scale == "log":
        _plain_numbers(axis)
    if plot.limits:
        axis.set_ylim(*plot.limits)
    axis.set_title(name, fontsize=9)
    axis.tick_params(labelsize=7)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _plain_numbers(axis: Any) -> None:
    """A few whole numbers on a logarithmic axis, as 1, 3, 10 and not as powers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_ylim()
    near = high / max(low, 1e-9) < NARROW
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 1.2, 1.5, 2, 3, 5, 7) if near else (1, 3), numticks=6))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
