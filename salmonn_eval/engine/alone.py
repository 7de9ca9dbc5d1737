"""One metric over one file of answers and references, without a task, a model or a run."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from msgspec import Struct

from salmonn_eval.engine.judging import open_judge
from salmonn_eval.engine.scoring import isolated
from salmonn_eval.engine.spec import JudgeSettings
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.records import (
    Better,
    Generation,
    Interval,
    IntervalMethod,
    Measure,
    Prediction,
    Request,
    Sample,
    Unit,
    Variant,
)
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Stats
from salmonn_eval.scorers.registry import availability, build, describe
from salmonn_eval.stats.intervals import interval

_SPLIT_ALREADY = {"splitter": "lines"}


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One line: an answer `hyp` (cpwer: its parts `hyps`), the references, and the cluster it is resampled with.

    For a judge: `question`, and `sounds`, a caption of what is in the background.
    """

    id: str | int
    hyp: str | None = None
    hyps: tuple[str, ...] | None = None
    refs: tuple[str, ...] | str = ()
    cluster: tuple[str, ...] | str = ()
    question: str | None = None
    sounds: str | None = None


class Alone(Struct, frozen=True):
    """The metric over the scored lines, in `unit`; `remarks` counts what was remarked on lines, most frequent first.

    `value` is None where nothing was scored or the references hold nothing to count.
    """

    metric: str
    value: float | None
    unit: Unit
    better: Better
    ci: Interval | None
    n_lines: int
    n_scored: int
    n_unscored: int
    signature: str
    remarks: dict[str, int]


def score_file(
    metric: str,
    path: Path,
    settings: Mapping[str, str],
    *,
    language: str | None,
    labels: tuple[str, ...] = (),
    judge: JudgeSettings | None = None,
    intervals: IntervalMethod = "standard",
) -> Alone:
    """Score a JSONL file; `labels` are the closed labels of accuracies (default: the file's own references).

    Raises UsageError for a broken line, an id that stands twice, a metric or setting that does not exist or a language
    that the metric does not handle; PrerequisiteError for a metric that this machine lacks.
    """
    if lack := availability().get(metric):
        raise PrerequisiteError(lack)
    judged = describe(metric).needs_judge
    if judged and judge is None:
        raise PrerequisiteError(f"metric {metric!r} needs a judge; name one with --judge-model (and --judge-url)")
    if judge is not None and not judged:
        raise UsageError(f"--judge-model {judge.model}: metric {metric!r} asks no judge; drop the option")
    answers, split = _read(path, metric)
    known = labels or tuple(dict.fromkeys(label for sample, _, _ in answers for label in sample.labels))
    context = ScorerContext(
        path.name, language, {label.strip().lower(): () for label in known}, judge=open_judge(judge)
    )
    with context.shared:
        scorer = build(metric, {**(_SPLIT_ALREADY if split else {}), **settings}, context)
        if scorer.needs_corpus:
            scorer.prepare(sample for sample, _, _ in answers)
        measures = list(isolated(scorer, answers))
    return _summary(scorer, answers, measures, intervals)


def _summary(scorer: Scorer, answers: list[Answer], measures: list[Measure], intervals: IntervalMethod) -> Alone:
    scored = [index for index, measure in enumerate(measures) if measure.status == "scored"]
    stats: Stats = np.array([measures[index].stats for index in scored], dtype=np.float64)
    value = float(scorer.combine(stats, np.ones(len(stats)))) if scored else None
    known = value is not None and bool(np.isfinite(value))
    clusters = [answers[index][0].cluster for index in scored]
    return Alone(
        metric=scorer.metric,
        value=value if known else None,
        unit=scorer.unit,
        better=scorer.better,
        ci=interval(
            scorer.combine,
            stats,
            clusters,
            proportion=scorer.proportion,
            additive=scorer.additive,
            method=intervals,
        )
        if known
        else None,
        n_lines=len(measures),
        n_scored=len(scored),
        n_unscored=len(measures) - len(scored),
        signature=str(scorer.signature),
        remarks=dict(Counter(measure.why for measure in measures if measure.why).most_common()),
    )


def _read(path: Path, metric: str) -> tuple[list[Answer], bool]:
    """The file's answers, and whether they come in parts."""
    answers: list[Answer] = []
    seen: dict[str, int] = {}
    kinds: set[bool] = set()
    for number, line in read_rows(path, Line, what='line {"id", "hyp", "refs"}'):
        id_ = str(line.id)
        if id_ in seen:
            raise UsageError(f"{path}:{number}: id {id_!r} stands on line {seen[id_]} too; expected each id once")
        seen[id_] = number
        if (line.hyp is None) == (line.hyps is None):
            raise UsageError(f"{path}:{number}: expected either `hyp` (a text) or `hyps` (a list of parts, for cpwer)")
        if line.hyps is not None and metric != "cpwer":
            raise UsageError(f"{path}:{number}: `hyps` is for cpwer only; metric {metric!r} takes `hyp`")
        kinds.add(line.hyps is not None)
        answers.append(_answer(id_, line))
    if not answers:
        raise UsageError(f"{path}: no line to score; expected JSONL with id, hyp and refs")
    if len(kinds) > 1:
        raise UsageError(f"{path}: some lines have `hyp` and some `hyps`; expected the same on all")
    return answers, kinds == {True}


def _answer(id_: str, line: Line) -> Answer:
    references = (line.refs,) if isinstance(line.refs, str) else line.refs
    sample = Sample(
        id=id_,
        references=references,
        fields={name: text for name, text in (("question", line.question), ("caption", line.sounds)) if text},
        labels=tuple(reference.strip().lower() for reference in references),
        cluster=(line.cluster,) if isinstance(line.cluster, str) else line.cluster,
    )
    text = line.hyp if line.hyps is None else "\n".join(" ".join(part.split()) for part in line.hyps)
    request = Request(id_, "", "", id_, "", (), Generation(0), Variant())
    return sample, request, Prediction(id_, text, "unknown")
