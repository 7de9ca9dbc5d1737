"""Which item score a task names, and how it is had."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn

import numpy as np

from salmonn_eval.diagnose.grades.base import Grades
from salmonn_eval.diagnose.grades.captions import GroundingGrades, RougeGrades
from salmonn_eval.diagnose.grades.chrf import ChrfGrades
from salmonn_eval.diagnose.grades.edits import EditGrades
from salmonn_eval.engine.scoring import context_of
from salmonn_eval.engine.spec import Question
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample, Unit
from salmonn_eval.scorers.base import Scorer
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.grounding import Grounding
from salmonn_eval.scorers.ratio import RatioScorer
from salmonn_eval.scorers.registry import arithmetic, describe
from salmonn_eval.stats.members import Array
from salmonn_eval.tasks.spec import ItemScore

_JUDGED = ("judge_accuracy",)
"""Verdicts are read, not made: what a judge would say of another clip's answer nobody knows."""


class HitGrades(Grades):
    """Hits of the task's own accuracy; keywords count in part."""

    def __init__(self, scorer: RatioScorer) -> None:
        self._scorer = scorer

    def own(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [n]."""
        return np.array([self._score(text, sample) for text, sample in zip(texts, samples, strict=True)])

    def table(self, texts: Sequence[str], samples: Sequence[Sample]) -> Array:
        """Scores [texts, samples]; samples that ask for the same are graded once."""
        kinds: dict[str, int] = {}
        index = [kinds.setdefault(_asks(sample), len(kinds)) for sample in samples]
        first = {kind: sample for sample, kind in zip(reversed(samples), reversed(index), strict=True)}
        found = np.array([[self._score(text, first[kind]) for kind in range(len(kinds))] for text in texts])
        return found[:, index]

    def _score(self, text: str, sample: Sample) -> float:
        graded = self._scorer.grade(sample, text)
        return graded.stats[0] / graded.stats[1] if graded.status == "scored" and graded.stats[1] else np.nan


def _asks(sample: Sample) -> str:
    return repr((sample.references, sample.labels, sample.fields.get("slot"), sample.fields.get("slots")))


def _hits(question: Question, corpus: Sequence[Sample]) -> Grades:
    fits = (s for s in _scorers(question, "fraction") if isinstance(s, RatioScorer) and s.proportion and s.readings)
    return HitGrades(next(fits, None) or _lacking(question))


def _edits(question: Question, corpus: Sequence[Sample]) -> Grades:
    fits = (scorer for scorer in _scorers(question, "percent") if isinstance(scorer, ErrorRate))
    return EditGrades(next(fits, None) or _lacking(question))


def _rouge(question: Question, corpus: Sequence[Sample]) -> Grades:
    return RougeGrades()


def _chrf(question: Question, corpus: Sequence[Sample]) -> Grades:
    return ChrfGrades()


def _grounding(question: Question, corpus: Sequence[Sample]) -> Grades:
    fits = (scorer for scorer in _scorers(question, "fraction") if isinstance(scorer, Grounding))
    return GroundingGrades(next(fits, None) or _lacking(question), corpus)


GRADES: Mapping[ItemScore, Callable[[Question, Sequence[Sample]], Grades]] = {
    "hit": _hits,
    "one_minus_error": _edits,
    "rouge_l": _rouge,
    "chrf": _chrf,
    "grounding": _grounding,
}


def grades_of(question: Question, corpus: Sequence[Sample]) -> Grades:
    """The item score that a task's definition names; `corpus` is the whole test set.

    Raises UsageError where the task has no metric that the item score is read off.
    """
    return GRADES[question.task.item_score](question, corpus)


def _scorers(question: Question, unit: Unit) -> Iterator[Scorer]:
    """The scorers of the task's metrics in a unit, headline metrics first."""
    for metric in sorted(question.metrics, key=lambda metric: not metric.headline):
        if metric.name not in _JUDGED and describe(metric.name).unit == unit:
            yield arithmetic(metric.name, metric.settings, context_of(question))


def _lacking(question: Question) -> NoReturn:
    raise UsageError(
        f"task {question.task.id!r} names the item score {question.task.item_score!r}, but has no metric that it is "
        f"read off; it has {', '.join(metric.name for metric in question.metrics)}"
    )
