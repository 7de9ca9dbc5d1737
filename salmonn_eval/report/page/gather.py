"""From finished runs to the page's data: items joined by task, test set and id, with every answer to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from salmonn_eval.diagnose.reading import ReadRun
from salmonn_eval.engine.joined import Item
from salmonn_eval.records import AudioPolicy, Clip, MetricValue, Request, Variant
from salmonn_eval.report.cells import metric_name, variant_name
from salmonn_eval.report.page.content import Answer, Asked, Content, Entry, Setting, Sound
from salmonn_eval.report.page.units import Units, units_of
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet

Hear = Callable[[Sequence[tuple[Clip, AudioPolicy]]], tuple[Sound, ...]]
"""From clips, each with the policy of the model that heard it, to their sounds."""
Place = tuple[str, str]


class Read(NamedTuple):
    """A run twice: with its scores, and with what every answer performed."""

    name: str
    scored: ScoredRun
    seen: ReadRun


def gather(runs: Sequence[Read], hear: Hear) -> Content:
    """The data of one run or several; `hear` is asked once, for every sound there is."""
    return _Gathering().all(runs, hear)


class _Gathering:
    """Lists that grow as runs are read: what is equal stands in them once."""

    def __init__(self) -> None:
        self._settings: dict[Variant, int] = {}
        self._instructions: dict[str, int] = {}
        self._performed: dict[str, int] = {}
        self._sounds: dict[tuple[Clip, AudioPolicy], int] = {}
        self._sets: dict[Place, dict[str, ScoredMetric]] = {}
        self._units: dict[Place, Units] = {}
        self._titles: dict[Place, str] = {}
        self._entries: dict[tuple[Place, str], Entry] = {}

    def all(self, runs: Sequence[Read], hear: Hear) -> Content:
        for number, read in enumerate(runs):
            verdicts = {
                answer.request.key: (answer.followed, answer.performed)
                for asked in read.seen.sets
                for answer in asked.answers
            }
            for held in read.scored.sets:
                self._add_set(held)
                for item in held.items.values():
                    self._add(number, read.scored, held, item, verdicts.get(item.row.request.key))
        places = {place: number for number, place in enumerate(self._sets)}
        return Content(
            runs=tuple(read.name for read in runs),
            sets=tuple(self._asked(place) for place in self._sets),
            settings=tuple(_setting(variant) for variant in self._settings),
            instructions=tuple(self._instructions),
            performed=tuple(self._performed),
            sounds=hear(list(self._sounds)),
            entries=tuple(
                msgspec.structs.replace(entry, set=places[place]) for (place, _), entry in self._entries.items()
            ),
            default=self._default(runs[0].scored),
        )

    def _add_set(self, held: ScoredSet) -> None:
        place = (held.question.task.id, held.question.dataset_id)
        known = self._sets.setdefault(place, {})
        for metric in held.metrics:
            known.setdefault(metric.value.signature, metric)
        self._units.setdefault(place, units_of(held))
        self._titles.setdefault(place, held.question.task.title)
        self._settings.setdefault(held.variant, len(self._settings))

    def _add(self, run: int, scored: ScoredRun, held: ScoredSet, item: Item, verdict: tuple[str, str] | None) -> None:
        place = (held.question.task.id, held.question.dataset_id)
        entry = self._entries.get((place, item.sample.id)) or self._entry(place, item)
        if not entry.sounds:
            sounds = tuple(self._sound(clip, scored) for clip in _clips(item.row.request, held))
            entry = msgspec.structs.replace(entry, sounds=sounds)
        answer = self._answer(run, place, held, item, verdict)
        self._entries[place, item.sample.id] = msgspec.structs.replace(entry, answers=(*entry.answers, answer))

    def _entry(self, place: Place, item: Item) -> Entry:
        sample, units = item.sample, self._units[place]
        return Entry(
            set=0,
            id=sample.id,
            references=sample.references,
            labels=sample.labels,
            facts=_facts(sample.fields, sample.group, sample.references),
            units=tuple(map(units.packed, sample.references)) if units.what else (),
        )

    def _answer(self, run: int, place: Place, held: ScoredSet, item: Item, verdict: tuple[str, str] | None) -> Answer:
        request, prediction = item.row.request, item.prediction
        rows = {metric.value.signature: metric.rows.get(item.sample.id) for metric in held.metrics}
        mine = [rows.get(signature) for signature in self._sets[place]]
        whys = tuple((row.why or "") if row is not None else "" for row in mine)
        text = prediction.text if prediction is not None and item.fault is None else None
        return Answer(
            run=run,
            variant=self._settings[held.variant],
            asked=self._instructions.setdefault(request.instruction, len(self._instructions)),
            text=text,
            error=item.fault,
            performed=-1 if verdict is None else self._performed.setdefault(verdict[1], len(self._performed)),
            followed="" if verdict is None else verdict[0],
            finish=prediction.finish if prediction is not None else "",
            tokens=prediction.tokens_out if prediction is not None else None,
            scores=tuple(row.value if row is not None and row.status == "scored" else None for row in mine),
            whys=whys if any(whys) else (),
            units=self._units[place].packed(text) if text and self._units[place].what else "",
        )

    def _sound(self, clip: Clip, scored: ScoredRun) -> int:
        return self._sounds.setdefault((clip, scored.card.audio), len(self._sounds))

    def _asked(self, place: Place) -> Asked:
        metrics = list(self._sets[place].values())
        valued = [number for number, metric in enumerate(metrics) if _varies(metric)]
        headline = [number for number in valued if metrics[number].value.headline]
        score = next(iter([*headline, *valued]), -1)
        return Asked(
            task=place[0],
            dataset=place[1],
            title=self._titles[place],
            metrics=tuple(_names([metric.value for metric in metrics])),
            score=score,
            better=metrics[score].value.better if score >= 0 else "higher",
            align=self._units[place].what,
        )

    def _default(self, run: ScoredRun) -> int:
        own = run.card.default_lora_scale
        plain = [v for v in run.variants if v.condition == "none" and v.prompt_set == "release"] or list(run.variants)
        chosen = next((variant for variant in plain if variant.lora_scale == own), plain[0])
        return self._settings[chosen]


def _varies(metric: ScoredMetric) -> bool:
    """Whether single answers have values of it, so that they can be told apart by it."""
    return metric.value.metric != "following_rate" and any(row.value is not None for row in metric.rows.values())


def _names(values: Sequence[MetricValue]) -> Iterator[str]:
    """Metric names; where two are alike, with what tells their signatures apart."""
    for value in values:
        parts = [set(other.signature.split("|")) for other in values if other.metric == value.metric]
        shared = set.intersection(*parts)
        yield metric_name(value, [part for part in value.signature.split("|") if part not in shared])


def _setting(variant: Variant) -> Setting:
    bare = msgspec.structs.replace(variant, lora_scale=None)
    return Setting(variant_name(variant) or "as it is", variant.lora_scale, variant_name(bare))


def _clips(request: Request, held: ScoredSet) -> Sequence[Clip]:
    """What is to be played: the item's own sound, which conditions replace; of swapped audio nothing is its own."""
    return request.clips if held.variant.condition == "none" or len(request.clips) == 0 else ()


def _facts(fields: Mapping[str, Any], group: Mapping[str, str], references: Sequence[str]) -> dict[str, str]:
    """Material of an item in words, less what its references say already."""
    told = {name: value if isinstance(value, str) else str(value) for name, value in fields.items()}
    return {**{name: text for name, text in told.items() if text not in references}, **group}
