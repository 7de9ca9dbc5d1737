"""K: how often a model answers a task as it answers another instruction, to transcribe or to caption, on the same clip.

It needs no references and no language: the model's own answers are held against each other.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.estimate import Estimate, mean
from salmonn_eval.diagnose.grades.chrf import ChrF
from salmonn_eval.diagnose.reading import AnswerSet, ReadRun, clip_id
from salmonn_eval.records import Variant
from salmonn_eval.stats.members import Array

PAIRS = 2_000
PERCENTILE = 99.0
EQUAL = 75.0  # chrF that two renderings of one answer reach; a translation that shares names with its source does not
ALIKE = 95.0  # chrF; where chance reaches it, the answers are all the same
SEED = 12_345

INSTEAD: Mapping[str, str] = {"transcript": "asr", "caption": "aac"}
"""What an answer may have collapsed to, and the task whose answers are that."""


class Both(Struct, frozen=True):
    """An answer about a clip and the answer to the other instruction about it; `clip` tells clips apart."""

    own: str
    other: str
    clip: str
    cluster: tuple[str, ...]


class Alike(Struct, frozen=True):
    """`k` is the share of answers closer to their other one than max(tau, 75) in sentence chrF.

    `k_chance` is the share above tau alone: what is about the right clip at all. `tau` is None without different clips.
    """

    k: Estimate
    k_chance: Estimate
    tau: float | None


class CollapseRow(Struct, frozen=True):
    """One test set under one variant held against the answers that are `instead`; `n` of `n_answers` have both."""

    task: str
    dataset: str
    trained: bool
    variant: Variant
    instead: str
    n: int
    n_answers: int
    tau: float | None
    k: Estimate
    k_chance: Estimate


class Collapse(Struct, frozen=True):
    """`diagnosis/collapse.json`: read off the run where it holds the other instruction's answer about the same clip."""

    rows: tuple[CollapseRow, ...]
    diagnosis: str = "collapse"
    schema: int = 1


def collapse(run: ReadRun) -> Collapse:
    """K of every test set under every variant, for transcripts and captions, the two tasks themselves left out."""
    return Collapse(tuple(_rows(run)))


def _rows(run: ReadRun) -> Iterator[CollapseRow]:
    known: dict[tuple[str, Variant], dict[str, str]] = {}
    for asked in run.sets:
        said = known.setdefault((asked.question.task.id, asked.variant), {})
        for answer in asked.answers:
            if clip := clip_id(answer.request):
                said.setdefault(clip, answer.text)
    for asked in run.sets:
        for instead, task in INSTEAD.items():
            if asked.answers and asked.question.task.id != task:
                yield _row(run, asked, instead, known.get((task, asked.variant), {}))


def _row(run: ReadRun, asked: AnswerSet, instead: str, said: Mapping[str, str]) -> CollapseRow:
    task = asked.question.task
    both = [
        Both(answer.text, said[clip], clip, answer.cluster)
        for answer in asked.answers
        if (clip := clip_id(answer.request)) and clip in said
    ]
    if both:
        found = alike(both)
    else:
        why = Estimate(why=f"the run holds no answer of {INSTEAD[instead]} about these clips")
        found = Alike(why, why, None)
    return CollapseRow(
        task=task.id,
        dataset=asked.question.dataset_id,
        trained=run.trained(task.id, task.level),
        variant=asked.variant,
        instead=instead,
        n=len(both),
        n_answers=len(asked.answers),
        tau=found.tau,
        k=found.k,
        k_chance=found.k_chance,
    )


def alike(both: Sequence[Both]) -> Alike:
    """K of pairs of answers; not testable where chance makes any two answers alike: the model always says the same."""
    chrf = ChrF([text for one in both for text in (one.own, one.other)])
    tau = _chance(both, chrf)
    if tau is None or tau >= ALIKE:
        why = "fewer than two clips" if tau is None else f"answers about different clips are alike (chrF {tau:.0f})"
        return Alike(Estimate(why=why), Estimate(why=why), tau)
    rows = np.arange(len(both))
    near, clusters = _similarity(both, chrf, rows, rows), [one.cluster for one in both]
    k, chance = (mean((near > bound).astype(np.float64), clusters) for bound in (max(tau, EQUAL), tau))
    return Alike(k, chance, tau)


def _chance(both: Sequence[Both], chrf: ChrF) -> float | None:
    """The 99th percentile of chrF between answers about different clips, over 2,000 random pairs; None without any."""
    drawn = np.random.default_rng(SEED).integers(0, len(both), size=(PAIRS, 2))
    _, clips = np.unique([one.clip for one in both], return_inverse=True)
    drawn = drawn[clips[drawn[:, 0]] != clips[drawn[:, 1]]]
    if not len(drawn):
        return None
    return float(np.percentile(_similarity(both, chrf, drawn[:, 0], drawn[:, 1]), PERCENTILE))


def _similarity(both: Sequence[Both], chrf: ChrF, own: NDArray[np.int64], other: NDArray[np.int64]) -> Array:
    """Sentence chrF [n], 0 to 100, of answers against other answers by row; two empty texts are alike."""
    empty = np.array([[not text.strip() for text in (one.own, one.other)] for one in both])
    found: Array = np.where(empty[own, 0] & empty[other, 1], 100.0, chrf.aligned(2 * own, 2 * other + 1))
    return found
