"""Runs as the page's samples: each sample once, with every answer that any run gave to it at any scale."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.diagnose.grades import grades_of
from salmonn_eval.diagnose.reading import ReadRun
from salmonn_eval.engine.joined import Item
from salmonn_eval.jsonl import encode_rows
from salmonn_eval.records import Followed, Sample, Variant
from salmonn_eval.report.cells import variant_name
from salmonn_eval.report.page.aligning import Aligner, aligner_of, edits_line
from salmonn_eval.report.page.payload import Aligned, Answered, Measured, MetricHead, SetHead, Shown, Texts
from salmonn_eval.report.page.sounds import Clips, without_folders
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet

FAILED = "failed"
_AT_ONCE = 256  # answers graded together: against a whole test set, where the item score compares them with one


class BothReadings(Struct, frozen=True):
    """One run as comparisons read it (items, scores) and as diagnoses do (what each answer performed)."""

    scored: ScoredRun
    read: ReadRun


class Gathered(Struct, frozen=True):
    """The page's test sets and samples in plan order."""

    sets: tuple[SetHead, ...]
    samples: tuple[Shown, ...]


class _Key(Struct, frozen=True):
    set: int
    sample: str
    variant: Variant


def gather(runs: Sequence[BothReadings], texts: Texts, clips: Clips, only: set[tuple[str, str]] | None) -> Gathered:
    """Join runs by test set, sample, wording, condition and seed; `only` keeps some (`TASK:DATASET`, sample id)."""
    heads: dict[str, SetHead] = {}
    found: dict[_Key, tuple[Sample, list[Answered]]] = {}
    for number, run in enumerate(runs):
        performed = {
            (found_set.question.name, found_set.variant, answer.sample.id): answer.performed
            for found_set in run.read.sets
            for answer in found_set.answers
        }
        for scored in run.scored.sets:
            teller = _Teller(run, scored, number, texts, clips, heads)
            plain = msgspec.structs.replace(scored.variant, lora_scale=None)
            for id_, item in scored.items.items():
                if only is not None and (scored.name, id_) not in only:
                    continue
                did = performed.get((scored.question.name, scored.variant, id_), FAILED)
                key = _Key(teller.place, id_, plain)
                found.setdefault(key, (item.sample, []))[1].append(teller.answer(item, did))
    return Gathered(tuple(heads.values()), tuple(_shown(found, texts)))


def _shown(found: dict[_Key, tuple[Sample, list[Answered]]], texts: Texts) -> Iterator[Shown]:
    place: dict[tuple[int, str], int] = {}
    for key in found:
        place.setdefault((key.set, key.sample), len(place))
    for key, (sample, answers) in sorted(found.items(), key=lambda one: (one[0].set, place[one[0].set, one[0].sample])):
        yield Shown(
            set=key.set,
            id=texts.of(sample.id),
            variant=texts.of(variant_name(key.variant)),
            references=tuple(map(texts.of, sample.references)),
            labels=tuple(map(texts.of, sample.labels)),
            fields=tuple((texts.of(name), texts.of(_plain(value))) for name, value in _fields(sample)),
            answers=tuple(answers),
        )


def _fields(sample: Sample) -> list[tuple[str, Any]]:
    grouped = [(f"group: {name}", value) for name, value in sample.group.items()]
    return [*sample.fields.items(), *grouped]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else b"".join(encode_rows([value])).decode().strip()


class _Teller:
    """Tells the answers of one run to one test set under one variant."""

    def __init__(
        self, run: BothReadings, scored: ScoredSet, number: int, texts: Texts, clips: Clips, heads: dict[str, SetHead]
    ) -> None:
        question = scored.question
        self._scored, self._number, self._texts, self._clips = scored, number, texts, clips
        self._policy = run.scored.card.audio
        self._aligner: Aligner | None = aligner_of(question)
        self._scores = _item_scores(scored, run.read.corpora[question.name])
        known = heads.get(scored.name)
        metrics = known.metrics if known else ()
        self._metrics = tuple(dict.fromkeys((*metrics, *map(_head, scored.metrics))))
        heads[scored.name] = SetHead(
            task=question.task.id,
            dataset=question.dataset_id,
            title=question.task.title,
            language=question.language,
            metrics=self._metrics,
            aligned=self._aligner.told if self._aligner else "",
            gap=self._aligner.gap if self._aligner else "",
        )
        self.place = list(heads).index(scored.name)

    def answer(self, item: Item, performed: str) -> Answered:
        """One answer with everything that is known of it."""
        request, said, texts = item.row.request, item.prediction, self._texts
        text = said.text if said else None
        rows = [metric.rows.get(item.sample.id) for metric in self._scored.metrics]
        followed: Followed = next((row.followed for row in rows if row is not None), "undetermined")
        return Answered(
            run=self._number,
            scale=request.variant.lora_scale,
            instruction=texts.of(request.instruction),
            text=texts.maybe(text),
            error=None if item.fault is None else texts.of(without_folders(item.fault, request.clips)),
            finish=said.finish if said else "error",
            followed=followed,
            performed=texts.of(performed),
            score=self._scores.get(item.sample.id),
            tokens=said.tokens_out if said else None,
            sounds=tuple(self._clips.of(clip, self._policy, self.place) for clip in request.clips),
            read=texts.maybe(request.text),
            aligned=self._aligned(text, item.sample),
            measures=tuple(self._measures(item.sample.id)),
        )

    def _aligned(self, text: str | None, sample: Sample) -> Aligned | None:
        if text is None or self._aligner is None or (found := self._aligner.align(text, sample)) is None:
            return None
        gap = self._aligner.gap
        reference, hypothesis = (self._texts.of(gap.join(side)) for side in (found.reference, found.hypothesis))
        return Aligned(reference, hypothesis, edits_line(found))

    def _measures(self, sample_id: str) -> Iterator[Measured]:
        for metric in self._scored.metrics:
            row = metric.rows.get(sample_id)
            if row is not None:
                read, why = self._texts.maybe(row.answer), self._texts.maybe(row.why)
                yield Measured(self._metrics.index(_head(metric)), row.status, row.value, read, why)


def _item_scores(scored: ScoredSet, corpus: Sequence[Sample]) -> dict[str, float]:
    """How good each answer is, from 0 to 1, by sample id. Raises UsageError as `grades_of` has it."""
    answered = [
        (item.sample, item.prediction.text or "")  # an empty answer is a bad one, not a missing one
        for item in scored.items.values()
        if item.prediction is not None and item.fault is None
    ]
    found: dict[str, float] = {}
    if not answered:
        return found
    grades = grades_of(scored.question, corpus)
    for start in range(0, len(answered), _AT_ONCE):
        part = answered[start : start + _AT_ONCE]
        own = grades.own([text for _, text in part], [sample for sample, _ in part])
        named = zip(part, own.tolist(), strict=True)
        found.update({sample.id: round(score, 4) for (sample, _), score in named if not math.isnan(score)})
    return found


def _head(metric: ScoredMetric) -> MetricHead:
    value = metric.value
    unit = value.unit if metric.scorer.additive else None
    return MetricHead(value.metric, unit, value.better, value.headline, value.signature)
