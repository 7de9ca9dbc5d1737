"""How figures are drawn: small panels, lines told apart by colour, dash and marker; SVG and PNG, the same each time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

COLUMNS = 5
PANEL = (2.5, 2.1)  # inches
DPI = 110
GREY = "#999999"


class Line(Struct, frozen=True):
    """How one measure is drawn: told apart by colour (Okabe and Ito's), by dash and by marker."""

    label: str
    colour: str
    dash: str
    marker: str


class Point(Struct, frozen=True):
    """One value at `at`, with the ends of its interval where it has one."""

    at: float
    value: float
    ends: tuple[float, float] | None = None


FIRST = ("#0072B2", "-", "o")
SECOND = ("#E69F00", "--", "s")
THIRD = ("#404040", ":", "^")


def panels(count: int, *, share_y: bool, columns: int = COLUMNS, size: tuple[float, float] = PANEL) -> tuple[Any, Any]:
    """A figure and its first `count` axes, in rows of `columns`; what is left of the last row is blank."""
    from matplotlib.figure import Figure  # without pyplot: no window system, no state

    wide = min(columns, max(count, 2))
    rows = -(-count // wide)
    figure: Any = Figure(figsize=(size[0] * wide, size[1] * rows + 0.9), layout="constrained")
    axes = list(figure.subplots(rows, wide, squeeze=False, sharey=share_y).flat)
    for axis in axes[count:]:
        axis.set_axis_off()
    for axis in axes[:count]:
        axis.tick_params(labelsize=7)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return figure, axes[:count]


def curve(axis: Any, line: Line, points: Sequence[Point]) -> None:
    """A line through points, in rising order of `at`, with a band where there are intervals."""
    ordered = sorted(points, key=lambda point: point.at)
    style = {"color": line.colour, "linestyle": line.dash, "marker": line.marker, "markersize": 4}
    axis.plot([p.at for p in ordered], [p.value for p in ordered], label=line.label, linewidth=1.4, **style)
    banded = [(point.at, *point.ends) for point in ordered if point.ends is not None]
    if banded:
        at, low, high = zip(*banded, strict=True)
        axis.fill_between(at, low, high, color=line.colour, alpha=0.12, linewidth=0)


def legend(figure: Any, lines: int) -> None:
    """One legend below all panels, of what any of them draws."""
    known: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    if known:
        figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=lines, frameon=False, fontsize=9)


def save(figure: Any, stem: Path) -> list[Path]:
    """`STEM.svg` and `STEM.png`, without a date; the files."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [stem.with_suffix(ending) for ending in (".svg", ".png")]
    for file in files:
        figure.savefig(file, dpi=DPI, metadata={"Date": None} if file.suffix == ".svg" else None)
    return files
