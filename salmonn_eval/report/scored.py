"""A finished run answer by answer: the statistics that comparisons and the gate pair, test set by test set."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from salmonn_eval.engine.joined import Item, Joined
from salmonn_eval.engine.rundir import RunDirectory, RunFile
from salmonn_eval.engine.scoring import ScoreRow, context_of, settled
from salmonn_eval.engine.spec import Question
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import MetricValue, Variant
from salmonn_eval.report import load
from salmonn_eval.scorers.base import Scorer, Stats
from salmonn_eval.scorers.judge.protocol import JudgePrompt, Reply
from salmonn_eval.scorers.registry import arithmetic
from salmonn_eval.tasks.spec import MetricSpec


class ScoredMetric(Struct, frozen=True):
    """One metric of one test set: its value (reading `all`), its arithmetic, and what it found by sample id."""

    value: MetricValue
    scorer: Scorer
    rows: dict[str, ScoreRow]

    def stats(self, sample_id: str) -> Stats | None:
        """Statistics [K] of one answer; None where it is not scored."""
        row = self.rows.get(sample_id)
        return np.asarray(row.stats, dtype=np.float64) if row is not None and row.status == "scored" else None


class ScoredSet(Struct, frozen=True):
    """One test set under one variant: items by sample id in plan order, and its metrics in the order of results.

    `missing` are metrics that could not be had, with their reason.
    """

    question: Question
    variant: Variant
    items: dict[str, Item]
    metrics: tuple[ScoredMetric, ...]
    missing: tuple[MetricValue, ...]

    @property
    def name(self) -> str:
        """`TASK:DATASET`, as people write it."""
        return f"{self.question.task.id}:{self.question.dataset_id}"

    def cluster(self, sample_id: str) -> tuple[str, ...]:
        """The cluster of a sample; one without is its own."""
        return self.items[sample_id].sample.cluster or (f"item {sample_id}",)


class ScoredRun(Struct, frozen=True):
    """A run with all of its scored test sets, in plan order, variants of a set one after the other."""

    path: Path
    state: RunFile
    sets: tuple[ScoredSet, ...]

    @property
    def card(self) -> ModelCard:
        """Whose answers these are."""
        return self.state.spec.card

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What was swept."""
        return self.state.spec.variants


def read_scored(path: Path) -> ScoredRun:
    """Read a scored run; one that ended `incomplete` (too many failures) is read too, its status says so.

    Raises:
        UsageError: it is no run folder, or its scores are of another time than its results.
        IncompleteError: it was not answered or scored to the end.
    """
    run = RunDirectory(path)
    state = run.scored()
    values = [value for value in load.results(path) if value.reading == "all" and value.group is None]
    return ScoredRun(path, state, tuple(_sets(run, state, values)))


def _sets(run: RunDirectory, state: RunFile, values: list[MetricValue]) -> Iterator[ScoredSet]:
    for question in state.spec.questions:
        mine = [value for value in values if (value.task, value.dataset) == (question.task.id, question.dataset_id)]
        joined = Joined(run, question.name)
        try:
            items = list(joined)
        finally:
            joined.close()
        rows = _rows(run, question, {item.row.request.key: item.row.request.variant for item in items})
        scorers = _Scorers(state, question)
        for variant in state.spec.variants:
            own = [value for value in mine if value.variant == variant]
            yield ScoredSet(
                question=question,
                variant=variant,
                items={item.sample.id: item for item in items if item.row.request.variant == variant},
                metrics=tuple(
                    ScoredMetric(value, scorers.of(value), found)
                    for value in own
                    if (found := rows.get((variant, value.signature)))
                ),
                missing=tuple(value for value in own if (variant, value.signature) not in rows),
            )


def _rows(
    run: RunDirectory, question: Question, variants: dict[str, Variant]
) -> dict[tuple[Variant, str], dict[str, ScoreRow]]:
    found: dict[tuple[Variant, str], dict[str, ScoreRow]] = {}
    file = run.scores(question.name)
    for number, row in read_rows(file, ScoreRow, what="score"):
        if row.key not in variants:
            raise UsageError(f"{file}:{number}: no planned request has this key; score the run again")
        found.setdefault((variants[row.key], row.signature), {})[row.sample_id] = row
    return found


class _Scorers:
    """The scorers of a question by signature, for their arithmetic only: nothing is measured, no judge is asked."""

    def __init__(self, state: RunFile, question: Question) -> None:
        self._specs = (*question.metrics, *state.spec.metrics, *state.metrics, MetricSpec("following_rate"))
        judge = state.judge or state.spec.judge
        self._question = question
        self._context = context_of(question, judge=_Gone(judge.model) if judge else None)

    def of(self, value: MetricValue) -> Scorer:
        """The scorer behind a value; of several settings of one metric that with the value's signature."""
        made = [self._build(spec) for spec in _once(self._specs) if spec.name == value.metric]
        return next((scorer for scorer in made if str(scorer.signature) == value.signature), made[0])

    def _build(self, spec: MetricSpec) -> Scorer:
        scorer = arithmetic(spec.name, spec.settings, self._context)
        scorer.signature = settled(scorer.signature, self._question)
        return scorer


class _Gone:
    """The judge whose verdicts stand in the scores: only its name is needed any more."""

    def __init__(self, model: str) -> None:
        self.model = model

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        """Never asked: verdicts are read, not made."""
        return (Reply(None, "finished runs are compared without their judge") for _ in prompts)


def _once(specs: Iterable[MetricSpec]) -> Iterator[MetricSpec]:
    seen: list[MetricSpec] = []
    for spec in specs:
        if spec not in seen:
            seen.append(spec)
            yield spec
