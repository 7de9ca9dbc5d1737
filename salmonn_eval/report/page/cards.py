"""The page's first look: what was asked, how far answers follow, and each test set's headline metric."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.records import MetricValue, Variant
from salmonn_eval.report.cells import metric_name, number, variant_name
from salmonn_eval.report.diagnoses import told
from salmonn_eval.report.scored import ScoredRun

WIDE, TALL, EDGE = 132.0, 34.0, 4.0
"""Size of the small curve in a card, and the room around it."""


class Fact(Struct, frozen=True):
    """One number of a run with its name."""

    name: str
    value: str
    note: str = ""


class Reading(Struct, frozen=True):
    """One run's value in a card: `run` is A or B where there are two."""

    run: str
    value: str
    interval: str
    n: str
    followed: str


class Dot(Struct, frozen=True):
    """A point of the small curve, in its own coordinates; `own` marks the adapter's own scale."""

    x: float
    y: float
    told: str
    own: bool


class Card(Struct, frozen=True):
    """One test set: its headline metric of each run at its own scale, and the curve over run A's scales."""

    task: str
    dataset: str
    title: str
    metric: str
    readings: tuple[Reading, ...]
    dots: tuple[Dot, ...]
    variant: str


def facts(run: ScoredRun, found: Diagnoses) -> Iterator[Fact]:
    """What is to be known of a run at a glance."""
    state = run.state
    items = [item for scored in run.sets for item in scored.items.values()]
    failed = sum(item.fault is not None for item in items)
    yield Fact("answers", f"{len(items):,}", f"{failed:,} failed" if failed else "none failed")
    rows = [row for scored in run.sets for m in scored.metrics[:1] for row in m.rows.values()]
    judged = [row.followed for row in rows if row.followed != "undetermined"]
    if judged:
        yield Fact(
            "follow their instruction", f"{100 * judged.count('yes') / len(judged):.0f} %", f"of {len(judged):,}"
        )
    audio = sum(plan.audio_s for plan in state.plan)
    if audio:
        yield Fact("of audio asked about", f"{audio / 60:,.1f} min" if audio < 7200 else f"{audio / 3600:,.1f} h")
    speed = [part for part in state.speed.values() if part.seconds]
    if speed and not state.spec.imported:
        rate = sum(part.answers for part in speed) / sum(part.seconds for part in speed)
        yield Fact("answers a second", f"{rate:.3g}")
    fit = found.overfitting
    if fit.index is not None and fit.index.value is not None:
        value, _, ends = told(fit.index, signed=True).partition(" ")
        yield Fact("over-fitting index", value, ends)
    if fit.candidate is not None and fit.scales:
        proven = "no gain is proven" if fit.proven is None else f"proven: {fit.proven:g}"
        yield Fact("candidate scale", f"{fit.candidate:g}", f"its own {fit.default:g}; {proven}")


def cards(runs: Sequence[ScoredRun], values: Sequence[Sequence[MetricValue]]) -> Iterator[Card]:
    """A card for each test set, with the first headline metric that has a value; without one it says what it has."""
    titles = {s.name: s.question.task.title for run in runs for s in run.sets}
    labels = ("A", "B") if len(runs) > 1 else ("",)
    for name, title in titles.items():
        mine = [[value for value in found if f"{value.task}:{value.dataset}" == name] for found in values]
        headline = [v for found in mine for v in found if v.headline and _plain(v)]
        shown = next((v for v in headline if v.value is not None), next(iter(headline), None))
        if shown is None:
            continue
        readings, first = [], None
        for label, run, found in zip(labels, runs, mine, strict=True):
            at = _own(run, [value for value in found if _same(value, shown)])
            if at is not None:
                first = first or at
                readings.append(_reading(label, at, found))
        if first is not None:
            curve = [value for value in mine[0] if _same(value, shown)]
            dots = tuple(_dots(curve, runs[0].card.default_lora_scale))
            metric = metric_name(shown)
            yield Card(shown.task, shown.dataset, title, metric, tuple(readings), dots, variant_name(first.variant))


def _plain(value: MetricValue) -> bool:
    return value.reading == "all" and value.group is None


def _same(value: MetricValue, shown: MetricValue) -> bool:
    return _plain(value) and value.metric == shown.metric and (value.signature == shown.signature or value.headline)


def _own(run: ScoredRun, values: Sequence[MetricValue]) -> MetricValue | None:
    """The value at the adapter's own scale as the release asks, else the first."""
    own = Variant(lora_scale=run.card.default_lora_scale)
    return next((value for value in values if value.variant == own), next(iter(values), None))


def _reading(label: str, value: MetricValue, found: Sequence[MetricValue]) -> Reading:
    rate = next((v for v in found if v.metric == "following_rate" and _plain(v) and v.variant == value.variant), None)
    ends = f"{number(value.ci.low, value.unit)} to {number(value.ci.high, value.unit)}" if value.ci else ""
    followed = "" if rate is None or rate.value is None else f"{100 * rate.value:.0f} %"
    shown = value.status if value.value is None else number(value.value, value.unit)
    return Reading(label, shown, ends, f"{value.n_scored} of {value.n_planned}", followed)


def _dots(values: Sequence[MetricValue], own: float | None) -> Iterator[Dot]:
    """The curve over the scales, left to right; nothing for one scale. Up is more, whichever direction is better."""
    told_at = {
        value.variant.lora_scale: value
        for value in reversed(values)
        if value.value is not None
        and value.variant.lora_scale is not None
        and (value.variant.prompt_set, value.variant.condition) == ("release", "none")
    }
    points = sorted((scale, value.value or 0.0, value) for scale, value in told_at.items() if scale is not None)
    if len(points) < 2:
        return
    low, high = (pick(point[1] for point in points) for pick in (min, max))
    least, most = points[0][0], points[-1][0]
    for scale, height, value in points:
        x = EDGE + (WIDE - 2 * EDGE) * (scale - least) / (most - least)
        y = TALL / 2 if high == low else TALL - EDGE - (TALL - 2 * EDGE) * (height - low) / (high - low)
        yield Dot(round(x, 1), round(y, 1), f"scale {scale:g}: {number(height, value.unit)}", scale == own)
