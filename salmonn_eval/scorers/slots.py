"""Slot filling: is the asked value in the answer, and only that?"""

from collections.abc import Mapping

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.following import signed_rule, verdict_on
from salmonn_eval.scorers.phrases import PhraseReader, holds, without
from salmonn_eval.scorers.ratio import HitScorer


class SlotContains(HitScorer):
    """Share of answers that hold one of the asked slot's values: plain containment, which a transcript also passes."""

    metric = "slot_contains"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._reader = PhraseReader(context.language)
        self.signature = Signature(self.metric, self._reader.signature)

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hit, 1); `answer` is the value that was found."""
        return self.grade(answer[0], answer[2].text or "")

    def grade(self, sample: Sample, text: str) -> Measure:
        """The same for a text that nobody was asked for."""
        if not sample.references:
            return Measure("unscored", why="the sample has no value of the asked slot")
        found = self.found(self._reader.units(text), sample)
        return self.scored(found is not None, 1, found, None if found else "the value is not in the answer")

    def found(self, units: list[str], sample: Sample) -> str | None:
        """The first of the asked slot's values that the answer holds."""
        return next((value for value in sample.references if holds(units, self._reader.phrase(value))), None)


class SlotAccuracy(SlotContains):
    """Share of answers that follow the task, hold a value of the asked slot, and none of the sample's other slots.

    `fields.slots` maps each slot of the utterance to its value or values, `fields.slot` names the asked one. A value of
    another slot that is part of an asked value does not count against the answer. `items: several` counts only samples
    with two slots or more, where an answer that repeats the utterance is found out by the other values.
    """

    metric = "slot_accuracy"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(settings, context)
        self._context = context
        self._several = settings["items"] == "several"
        rule = signed_rule(self.metric, context)
        self.signature = Signature(
            self.metric, (*self._reader.signature, ("items", settings["items"]), ("others", "absent"), *rule)
        )

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hit, 1), or (0, 0) where the sample is not counted; a miss says why."""
        sample, _, prediction = answer
        graded = self.grade(sample, prediction.text or "")
        if graded.status != "scored" or not graded.stats[1]:
            return graded
        verdict = verdict_on(answer, self._context)
        if verdict.followed == "no":
            return self.scored(0, 1, graded.answer, f"not followed: {verdict.why}")
        return graded

    def grade(self, sample: Sample, text: str) -> Measure:
        """The same without a look at whether the text follows the task."""
        if sample.references and not self._counts(sample):
            return self.scored(0, 0, why="the sample has one slot only")
        contained = super().grade(sample, text)
        if contained.status != "scored":
            return contained
        intruder = self._intruder(self._reader.units(text), sample)
        if contained.answer and intruder:
            return self.scored(0, 1, contained.answer, f"the value of another slot is in the answer: {intruder}")
        return contained

    def _intruder(self, units: list[str], sample: Sample) -> str | None:
        """The first value of another slot in the answer, outside the asked values."""
        asked = sorted((self._reader.phrase(value) for value in sample.references), key=len, reverse=True)
        for phrase in asked:
            units = without(units, phrase)
        others = (value for slot, values in _slots(sample).items() if slot != _asked_slot(sample) for value in values)
        return next((value for value in others if holds(units, self._reader.phrase(value))), None)

    def worst(self, sample: Sample) -> Stats:
        """A miss, where the sample counts."""
        return np.array([0.0, float(self._counts(sample))])

    def best(self, sample: Sample) -> Stats:
        """A hit, where the sample counts."""
        return np.array([float(self._counts(sample))] * 2)

    def _counts(self, sample: Sample) -> bool:
        return not self._several or len(_slots(sample)) > 1


def _asked_slot(sample: Sample) -> str:
    return _spoken(str(sample.fields.get("slot", "")))


def _slots(sample: Sample) -> dict[str, tuple[str, ...]]:
    """The sample's slots by spoken name (underscores are spaces) with their values."""
    given = sample.fields.get("slots")
    if not isinstance(given, Mapping):
        return {}
    return {_spoken(str(slot)): (value,) if isinstance(value, str) else tuple(value) for slot, value in given.items()}


def _spoken(slot: str) -> str:
    return slot.replace("_", " ").lower()
