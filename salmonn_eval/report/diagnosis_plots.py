"""Diagnoses as figures: curves over the LoRA scale, asked by performed task, and what a scale gains and costs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from salmonn_eval.diagnose.confusion import Cell, ConfusionRow
from salmonn_eval.diagnose.estimate import Estimate
from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.diagnose.following import FollowingRow
from salmonn_eval.diagnose.overfitting import Overfitting, ScaleRow
from salmonn_eval.figures import FIRST, GREY, SECOND, Line, Point, curve, legend, panels, save
from salmonn_eval.records import Interval, MetricValue, Variant
from salmonn_eval.report.cells import UNIT_MARK, variant_name

G = Line("G", *FIRST)
FOLLOWING = Line("following", *SECOND)
METRIC = Line("metric", *FIRST)
MAPS = 6
"""Heat maps at most: of a sweep over more variants the first ones."""
DARK = 0.55
"""Share from which a cell is so dark that its number is white."""


def draw(folder: Path, found: Diagnoses, values: Sequence[MetricValue]) -> list[Path]:
    """Draw into `folder` what a run allows: curves need several scales, the trade-off a default among them."""
    written = _confusion(folder / "confusion", found)
    default = found.overfitting.default
    if len({row.variant.lora_scale for row in found.following.rows if _plain(row.variant)}) > 1:
        written += _gains(folder / "scale_g", found, default)
        written += _metrics(folder / "scale_metric", found.model, values, default)
    if found.overfitting.scales:
        written += _trade_off(folder / "trade_off", found.model, found.overfitting)
    return written


def _plain(variant: Variant) -> bool:
    return variant.lora_scale is not None and (variant.prompt_set, variant.condition) == ("release", "none")


def _gains(stem: Path, found: Diagnoses, default: float | None) -> list[Path]:
    sets: dict[str, list[FollowingRow]] = {}
    for row in found.following.rows:
        if _plain(row.variant):
            kind = "" if row.trained else " (untrained)"
            sets.setdefault(f"{row.task} · {row.dataset}{kind}", []).append(row)
    figure, axes = panels(len(sets), share_y=True)
    for axis, (name, rows) in zip(axes, sets.items(), strict=True):
        curve(axis, FOLLOWING, list(_points((row.variant, row.following) for row in rows)))
        curve(axis, G, list(_points((row.variant, row.g) for row in rows)))
        _frame(axis, name, default)
        axis.set_ylim(-0.05, 1.05)
    return _finished(figure, stem, f"Following and G over the LoRA scale (grey: its own): {found.model}", "fraction", 2)


def _metrics(stem: Path, model: str, values: Sequence[MetricValue], default: float | None) -> list[Path]:
    sets: dict[str, list[MetricValue]] = {}
    for value in values:
        whole = value.reading == "all" and value.group is None and value.value is not None
        if whole and value.headline and value.metric != "following_rate" and _plain(value.variant):
            arrow = "↓" if value.better == "lower" else "↑"
            name = f"{value.task} · {value.dataset}\n{value.metric}{UNIT_MARK[value.unit]} {arrow}"
            sets.setdefault(name, []).append(value)
    figure, axes = panels(len(sets), share_y=False)
    for axis, (name, mine) in zip(axes, sets.items(), strict=True):
        curve(axis, METRIC, list(_points((value.variant, Estimate(value.value, value.ci)) for value in mine)))
        _frame(axis, name, default)
    return _finished(
        figure, stem, f"Headline metrics over the LoRA scale (grey: its own): {model}", "each in its own unit", 0
    )


def _points(rows: Iterator[tuple[Variant, Estimate]]) -> Iterator[Point]:
    for variant, found in rows:
        if found.value is not None and variant.lora_scale is not None:
            yield Point(variant.lora_scale, found.value, _ends(found.ci))


def _ends(ci: Interval | None) -> tuple[float, float] | None:
    return (ci.low, ci.high) if ci else None


def _frame(axis: Any, name: str, default: float | None) -> None:
    axis.set_title(name, fontsize=9)
    if default is not None:
        axis.axvline(default, color=GREY, linewidth=0.7)


def _finished(figure: Any, stem: Path, title: str, axis: str, lines: int) -> list[Path]:
    if lines:
        legend(figure, lines)
    figure.suptitle(title, fontsize=11)
    figure.supylabel(axis, fontsize=9)
    return save(figure, stem)


def _confusion(stem: Path, found: Diagnoses) -> list[Path]:
    by_variant: dict[Variant, list[ConfusionRow]] = {}
    for row in found.confusion.rows:
        by_variant.setdefault(row.variant, []).append(row)
    maps = dict(list(by_variant.items())[:MAPS])
    if not maps:
        return []
    shown = [row for rows in maps.values() for row in rows]
    names = [cell.performed for cell in shown[0].cells if any(_cell(row, cell.performed).n for row in shown)]
    tall = max(map(len, maps.values()))
    figure, axes = panels(len(maps), share_y=True, columns=3, size=(1.6 + 0.36 * len(names), 1.0 + 0.21 * tall))
    for axis, (variant, rows) in zip(axes, maps.items(), strict=True):
        _heat(axis, rows, names)
        axis.set_title(variant_name(variant) or "as asked for", fontsize=9)
    left = f" ({len(by_variant) - len(maps)} more variants in confusion.json)" if len(by_variant) > len(maps) else ""
    figure.suptitle(f"Asked and performed task, % of answers (-: not testable): {found.model}{left}", fontsize=11)
    return save(figure, stem)


def _cell(row: ConfusionRow, name: str) -> Cell:
    return next(cell for cell in row.cells if cell.performed == name)


def _heat(axis: Any, rows: Sequence[ConfusionRow], names: Sequence[str]) -> None:
    """Shares as shades of one colour, which stay in order in grey, with their numbers; a dash: not testable."""
    cells = [[_cell(row, name) for name in names] for row in rows]
    axis.imshow([[cell.share or 0.0 for cell in line] for line in cells], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for y, line in enumerate(cells):
        for x, cell in enumerate(line):
            if cell.share is None or cell.n:
                text = "-" if cell.share is None else f"{100 * cell.share:.0f}"
                colour = "white" if (cell.share or 0.0) > DARK else "black"
                axis.text(x, y, text, ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=7)
    axis.set_yticks(range(len(rows)), [f"{row.task} · {row.dataset}" for row in rows], fontsize=7)
    axis.tick_params(length=0)


def _trade_off(stem: Path, model: str, found: Overfitting) -> list[Path]:
    figure, (axis,) = panels(1, share_y=False, columns=1, size=(5.0, 3.2))
    tested = [row for row in found.scales if row.largest_loss is not None]
    for row in tested:
        _scale(axis, row, row.scale == found.default)
    axis.plot([100 * (row.largest_loss or 0.0) for row in tested], [row.g for row in tested], color=GREY, zorder=1)
    axis.axvline(100 * found.most_loss, color=SECOND[0], linestyle="--", linewidth=1)
    axis.set_xlabel("largest loss on a trained metric, %; whisker: to its upper 95 % bound", fontsize=8)
    axis.set_ylabel("G of untrained tasks, less its prior", fontsize=8)
    most = f"filled: no loss above {100 * found.most_loss:g} % (dashed); diamond: its own scale"
    figure.suptitle(f"What a LoRA scale gains and costs: {model}\n{most}", fontsize=9)
    return save(figure, stem)


def _scale(axis: Any, row: ScaleRow, default: bool) -> None:
    at = 100 * (row.largest_loss or 0.0)
    up = max(0.0, 100 * row.largest_bound - at) if row.largest_bound is not None else 0.0
    ends = _ends(row.g_ci) or (row.g, row.g)
    axis.errorbar(
        [at],
        [row.g],
        xerr=[[0.0], [up]],
        yerr=[[row.g - ends[0]], [ends[1] - row.g]],
        color=FIRST[0],
        marker="D" if default else "o",
        markerfacecolor=FIRST[0] if row.allowed else "white",
        linewidth=1,
        capsize=2,
    )
    axis.annotate(f"{row.scale:g}", (at, row.g), xytext=(5, 5), textcoords="offset points", fontsize=9)
