"""The second half of a run: one question's answers become `scores/` rows and metric values. Never needs the model."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from salmonn_eval.engine.fingerprints import UNKNOWN, AskedDigest, system
from salmonn_eval.engine.isolate import Isolation
from salmonn_eval.engine.joined import Item, Joined
from salmonn_eval.engine.judging import open_judge
from salmonn_eval.engine.lacking import lacking
from salmonn_eval.engine.rundir import RunDirectory, RunFile
from salmonn_eval.engine.spec import Question
from salmonn_eval.engine.summarise import Column, Frame, bare, summarise, without_value
from salmonn_eval.errors import SalmonnEvalError
from salmonn_eval.jsonl import encode_rows, write_atomic
from salmonn_eval.records import Followed, Generation, Measure, MeasureStatus, MetricValue, Variant
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Signature
from salmonn_eval.scorers.judge.protocol import Judge
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.shared import Shared
from salmonn_eval.tasks.spec import MetricSpec

FOLLOWING = MetricSpec("following_rate")
NO_ITEM = "none of the samples asked for is in this test set"


class ScoreRow(Struct, frozen=True):
    """One line of `scores/`: what one metric found in one answer."""

    key: str
    sample_id: str
    metric: str
    signature: str
    status: MeasureStatus
    stats: tuple[float, ...]
    value: float | None
    answer: str | None
    why: str | None
    followed: Followed


def score_question(run: RunDirectory, name: str) -> list[MetricValue]:
    """Score every metric of one question; writes `scores/` atomically and returns its values in plan order.

    Metrics that this version or machine lacks come back with status `missing` and the reason.
    """
    state = run.read()
    question, _ = run.question(name)
    joined = Joined(run, name)
    try:
        with Shared() as shared:
            scoring = _Scoring(state, question, joined, context_of(question, shared, open_judge(state.judge)))
            write_atomic(run.scores(name), encode_rows(scoring.rows()))
            return scoring.values()
    finally:
        joined.close()


def context_of(question: Question, shared: Shared | None = None, judge: Judge | None = None) -> ScorerContext:
    """What scorers may know of a question; `shared` is closed by whoever made it."""
    return ScorerContext(
        task=question.task.id,
        language=question.language,
        labels=question.task.labels,
        rule=question.following.rule,
        rule_settings=question.following.settings,
        shared=shared or Shared(),
        judge=judge,
    )


class _Scoring:
    def __init__(self, state: RunFile, question: Question, joined: Joined, context: ScorerContext) -> None:
        self._spec = state.spec
        self._intervals = state.intervals
        self._question = question
        self._joined = joined
        self._context = context
        self._columns: list[Column] = []
        self._followed: list[Followed | None] = []
        self._follower: str | None = None
        lacks = lacking(state.spec.card, state.judge)
        asked = (*question.metrics, *state.spec.metrics, *state.metrics)
        self._metrics = _once(_with_following(asked), lacks, context)
        self._lacking = {id(metric): why for metric in self._metrics if (why := lacks.get(metric.name))}

    def rows(self) -> Iterator[ScoreRow]:
        """Score rows: metric by metric, each in plan order; the following rate first, since the others need it."""
        for metric in sorted(self._metrics, key=lambda metric: metric.name != FOLLOWING.name):
            if id(metric) not in self._lacking:
                yield from self._guarded(metric)

    def values(self) -> list[MetricValue]:
        """Metric values in the order of the definition; call it after `rows` is exhausted."""
        frame = self._frame()
        if not frame.items:
            return [without_value(frame, m, v, "missing", NO_ITEM) for v in self._spec.variants for m in self._metrics]
        columns = {id(column.metric): column for column in self._columns}
        found: list[MetricValue] = []
        for variant in self._spec.variants:
            for metric in self._metrics:
                column = columns.get(id(metric))
                if column is not None:
                    found.extend(self._summarised(frame, column, variant))
                else:
                    found.append(without_value(frame, metric, variant, "missing", self._lacking[id(metric)]))
        return found

    def _guarded(self, metric: MetricSpec) -> Iterator[ScoreRow]:
        """A scorer that fails as a whole (its corpus state, its outside tool) costs its metric, not the others."""
        try:
            yield from self._score(metric)
        except (SalmonnEvalError, OSError):
            raise
        except Exception as fault:  # the boundary around scorers
            self._lacking[id(metric)] = f"the scorer failed: {type(fault).__name__}: {fault}"

    def _summarised(self, frame: Frame, column: Column, variant: Variant) -> list[MetricValue]:
        try:
            return list(summarise(frame, column, variant))
        except Exception as fault:  # the same boundary: combining is the scorer's too
            why = f"the scorer failed: {type(fault).__name__}: {fault}"
            return [without_value(frame, column.metric, variant, "missing", why)]

    def _score(self, metric: MetricSpec) -> Iterator[ScoreRow]:
        scorer = build(metric.name, metric.settings, self._context)
        if scorer.needs_corpus:
            scorer.prepare(self._joined.samples())
        scorer.signature = settled(scorer.signature, self._question)
        column = Column(metric, scorer)
        is_following = metric.name == FOLLOWING.name and not self._columns  # of several the first decides
        if is_following:
            self._followed, self._follower = [], scorer.judged_by
        for index, (item, measure) in enumerate(measured(scorer, self._joined)):
            if is_following:
                self._followed.append(None if measure.status == "error" else measure.followed)
            followed = self._followed[index]
            column.add(item.sample, measure, followed)
            yield _row(item, metric.name, scorer, measure, followed or "undetermined")
        self._columns.append(column)

    def _frame(self) -> Frame:
        """What every metric shares: clusters, groups, variants and fingerprints, from one more pass."""
        digests: dict[Variant, AskedDigest] = {}
        generations: dict[Variant, Generation] = {}
        variants: dict[Variant, list[int]] = {}
        clusters: list[tuple[str, ...]] = []
        groups: list[dict[str, str]] = []
        for index, item in enumerate(self._joined):
            variant = item.row.request.variant
            if variant not in digests:
                digests[variant] = AskedDigest(self._question.name, variant)
                generations[variant] = item.row.request.generation
            digests[variant].add(item.row, item.sample)
            variants.setdefault(variant, []).append(index)
            clusters.append(item.sample.cluster)
            groups.append(item.sample.group)
        return Frame(
            spec=self._spec,
            question=self._question,
            items=variants,
            clusters=clusters,
            groups=groups,
            followed=self._followed,
            asked={v: UNKNOWN if self._spec.imported else str(digest) for v, digest in digests.items()},
            system={v: system(self._spec.card, generation, v) for v, generation in generations.items()},
            judge=self._follower,
            intervals=self._intervals,
        )


def settled(signature: Signature, question: Question) -> Signature:
    """The signature with what was settled in making the question's data."""
    return msgspec.structs.replace(signature, settings=(*signature.settings, *question.protocol))


def isolated(scorer: Scorer, answers: Iterable[Answer]) -> Iterator[Measure]:
    """One measure per answer, in order; one on which the scorer raises is unscored, with the fault as its reason."""
    return Isolation(scorer.measure, _scorer_fault, _oldest).over(answers)


def measured(scorer: Scorer, items: Iterable[Item]) -> Iterator[tuple[Item, Measure]]:
    """Pair each item with its measure, in order; failed requests never reach the scorer."""
    waiting: deque[tuple[Item, Measure | None]] = deque()

    def answers() -> Iterator[Answer]:
        for item in items:
            if item.fault is not None or item.prediction is None:
                waiting.append((item, Measure(status="error", why=item.fault)))
            else:
                waiting.append((item, None))
                yield item.sample, item.row.request, item.prediction

    for measure in isolated(scorer, answers()):
        while (ready := waiting.popleft())[1] is not None:
            yield ready[0], ready[1]
        yield ready[0], measure
    for item, failed in waiting:
        if failed is not None:
            yield item, failed


def _scorer_fault(answer: Answer, fault: Exception) -> Measure:
    return Measure(status="unscored", why=f"the scorer failed: {type(fault).__name__}: {fault}")


def _oldest(pending: Sequence[Answer], measure: Measure) -> int | None:
    return 0 if pending else None


def _row(item: Item, metric: str, scorer: Scorer, measure: Measure, followed: Followed) -> ScoreRow:
    return ScoreRow(
        key=item.row.request.key,
        sample_id=item.sample.id,
        metric=metric,
        signature=str(scorer.signature),
        status=measure.status,
        stats=measure.stats,
        value=_finite(measure.value),
        answer=measure.answer,
        why=measure.why,
        followed=followed,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _once(
    metrics: Sequence[MetricSpec], lacks: Mapping[str, str | None], context: ScorerContext
) -> tuple[MetricSpec, ...]:
    """Each metric once, the first where two have one signature: `--metric` may name what the task has already."""
    kept: dict[str, MetricSpec] = {}
    for metric in metrics:
        known = lacks.get(metric.name) is None
        mark = str(build(metric.name, metric.settings, context).signature) if known else bare(metric)
        kept.setdefault(mark, metric)
    return tuple(kept.values())


def _with_following(metrics: Sequence[MetricSpec]) -> tuple[MetricSpec, ...]:
    """The metrics, with the following rate added where the definition does not name it."""
    named = any(metric.name == FOLLOWING.name for metric in metrics)
    return tuple(metrics) if named else (*metrics, FOLLOWING)
