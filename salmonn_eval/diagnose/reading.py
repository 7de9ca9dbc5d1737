"""A finished run as diagnoses see it: every answer with its following verdict and the task that it performed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.engine.joined import Item, Joined
from salmonn_eval.engine.rundir import RunDirectory, RunFile
from salmonn_eval.engine.scoring import ScoreRow
from salmonn_eval.engine.spec import Question
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.records import Clip, Followed, Request, Sample, Variant
from salmonn_eval.scorers.rules import Output, Verdict, performed

UNDETERMINED = "undetermined"
"""The performed class of answers that the rule cannot judge: neither as asked nor another task."""


class Answered(Struct, frozen=True):
    """One answer. `performed` is `as asked`, a mark of the rule table, `other`, or `undetermined`."""

    sample: Sample
    request: Request
    text: str
    followed: Followed
    performed: str

    @property
    def cluster(self) -> tuple[str, ...]:
        """What is resampled; a sample without a cluster is its own."""
        return self.sample.cluster or (f"item {self.sample.id}",)


class AnswerSet(Struct, frozen=True):
    """One test set under one variant: its answers in plan order, and what each metric found in them.

    `scores` maps a metric's signature to rows by sample id; signatures are in the order of the definition.
    """

    question: Question
    variant: Variant
    answers: tuple[Answered, ...]
    scores: Mapping[str, Mapping[str, ScoreRow]]
    n_error: int


class ReadRun(Struct, frozen=True):
    """A scored run: its test sets in plan order, variants of a set one after the other, and each set's corpus."""

    state: RunFile
    sets: tuple[AnswerSet, ...]
    corpora: Mapping[str, tuple[Sample, ...]]

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What was swept."""
        return self.state.spec.variants

    def trained(self, task: str, level: int) -> bool:
        """Whether the model was trained on a task: as its card says, else whether the task is of level 1."""
        said = self.state.spec.card.trained_tasks
        return level == 1 if said is None else task in said


def read_run(path: Path) -> ReadRun:
    """Read a scored run; one that ended `incomplete` (too many failures) is read too.

    Raises:
        UsageError: it is no run folder, or its scores do not belong to its plan.
        IncompleteError: it was not answered or scored to the end.
    """
    run = RunDirectory(path)
    state = run.scored()
    sets: list[AnswerSet] = []
    corpora: dict[str, tuple[Sample, ...]] = {}
    for question in state.spec.questions:
        joined = Joined(run, question.name)
        try:
            corpora[question.name] = tuple(joined.samples())
            sets += _sets(run, state, question, list(joined))
        finally:
            joined.close()
    return ReadRun(state, tuple(sets), corpora)


def _sets(run: RunDirectory, state: RunFile, question: Question, items: list[Item]) -> Iterator[AnswerSet]:
    variants = {item.row.request.key: item.row.request.variant for item in items}
    scores: dict[Variant, dict[str, dict[str, ScoreRow]]] = {variant: {} for variant in state.spec.variants}
    followed: dict[str, Followed] = {}
    file = run.scores(question.name)
    for number, row in read_rows(file, ScoreRow, what="score"):
        if row.key not in variants:
            raise UsageError(f"{file}:{number}: no planned request has this key; score the run again")
        scores[variants[row.key]].setdefault(row.signature, {})[row.sample_id] = row
        followed.setdefault(row.key, row.followed)
    for variant in state.spec.variants:
        mine = [item for item in items if item.row.request.variant == variant]
        answers = tuple(
            _answered(question, item, followed.get(item.row.request.key, "undetermined"))
            for item in mine
            if item.fault is None
        )
        yield AnswerSet(question, variant, answers, scores[variant], len(mine) - len(answers))


def _answered(question: Question, item: Item, followed: Followed) -> Answered:
    assert item.prediction is not None
    answer = item.sample, item.row.request, item.prediction
    if followed == "undetermined":
        found = UNDETERMINED
    else:
        output = Output(answer, language=question.language, labels=question.task.labels)
        found = performed(output, Verdict(followed)).task
    return Answered(item.sample, item.row.request, item.prediction.text or "", followed, found)


def clip_id(request: Request) -> str | None:
    """What was heard: equal for requests on the same sound; None where a request names no audio or no content of it."""
    if not request.clips or any(part.sha256 is None for clip in request.clips for part in clip.parts):
        return None
    bare = [msgspec.structs.replace(clip, parts=tuple(_bare(clip))) for clip in request.clips]
    return msgspec.json.encode(bare).decode()


def _bare(clip: Clip) -> Iterator[object]:
    for part in clip.parts:
        yield msgspec.structs.replace(part, path=None, data=None)
