"""Every answer graded as an answer to its own sample, and as one to the samples of other clips."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.grades import Grades, grades_of
from salmonn_eval.diagnose.reading import AnswerSet, ReadRun, clip_id
from salmonn_eval.records import Sample
from salmonn_eval.stats.bootstrap import SEED
from salmonn_eval.stats.members import Array

MOST = 200
"""Samples of a test set whose references every answer is held against."""
FEWEST_CLIPS = 5
"""Clips that an instruction must have been asked of for answers to be exchanged under it."""


class GradedSet(Struct, frozen=True):
    """One test set under one variant, n answers.

    `own` [n] is each answer's item score, `perfect` [n] that of a perfect answer; `followed` [n] is 1 where the
    instruction is followed (0 where not or not known), `undetermined` [n] where it is not known. `right` [n, m] scores
    every answer as one to the samples of the m answers `against`; `strata` [n] numbers the rendered instructions and
    `clips` [n] what was heard.
    """

    asked: AnswerSet
    own: Array
    perfect: Array
    followed: Array
    undetermined: NDArray[np.bool_]
    right: Array
    against: NDArray[np.int64]
    strata: NDArray[np.int64]
    clips: NDArray[np.int64]

    @property
    def clusters(self) -> list[tuple[str, ...]]:
        """What is resampled, by answer."""
        return [answer.cluster for answer in self.asked.answers]

    @property
    def g(self) -> Array:
        """Followed times item score [n]; NaN where the sample cannot be graded."""
        return self.followed * self.own

    def swapped(self) -> Array:
        """Where answer i and sample j are of different clips under one rendered instruction: a mask [n, m] as 0 or 1.

        Instructions asked of fewer than five clips (among the m) have no pairs.
        """
        strata, clips = self.strata[self.against], self.clips[self.against]
        same = self.strata[:, None] == strata[None]
        enough = np.array([len(np.unique(clips[strata == one])) >= FEWEST_CLIPS for one in self.strata], dtype=np.bool_)
        mask: Array = (same & (self.clips[:, None] != clips[None]) & enough[:, None]).astype(np.float64)
        return mask

    def prior(self) -> Array:
        """Mean score [n] of each answer against other clips under the same instruction; NaN where there are none."""
        mask = self.swapped() * ~np.isnan(self.right)
        counts = mask.sum(axis=1)
        sums = (np.nan_to_num(self.right) * mask).sum(axis=1)
        found: Array = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        return found


def graded_sets(run: ReadRun) -> Iterator[GradedSet]:
    """Each answer set of a run, graded, in the run's order; sets without an answer are left out."""
    for question in run.state.spec.questions:
        sets = [asked for asked in run.sets if asked.question.name == question.name and asked.answers]
        if not sets:
            continue
        samples = {answer.sample.id: answer.sample for asked in sets for answer in asked.answers}
        chosen = _chosen(list(samples))
        grades = grades_of(question, run.corpora[question.name])
        texts: dict[str, int] = {}
        for asked in sets:
            for answer in asked.answers:
                texts.setdefault(answer.text, len(texts))
        table = grades.pairs(list(texts), [samples[id_] for id_ in chosen])
        for asked in sets:
            yield _graded(asked, grades, table, texts, chosen)


def _chosen(ids: list[str]) -> dict[str, int]:
    """Up to `MOST` sample ids, drawn by a seed where there are more, with their column."""
    if len(ids) > MOST:
        rows = np.sort(np.random.default_rng(SEED).choice(len(ids), MOST, replace=False))
        ids = [ids[row] for row in rows]
    return {id_: column for column, id_ in enumerate(ids)}


def _graded(asked: AnswerSet, grades: Grades, table: Array, texts: dict[str, int], chosen: dict[str, int]) -> GradedSet:
    said = [answer.text for answer in asked.answers]
    samples: list[Sample] = [answer.sample for answer in asked.answers]
    against = [row for row, sample in enumerate(samples) if sample.id in chosen]
    columns = [chosen[samples[row].id] for row in against]
    followed = np.array([answer.followed == "yes" for answer in asked.answers], dtype=np.float64)
    return GradedSet(
        asked=asked,
        own=grades.own(said, samples),
        perfect=grades.perfect(samples),
        followed=followed,
        undetermined=np.array([answer.followed == "undetermined" for answer in asked.answers], dtype=np.bool_),
        right=table[np.ix_([texts[text] for text in said], columns)],
        against=np.array(against, dtype=np.int64),
        strata=_numbered([answer.request.instruction for answer in asked.answers]),
        clips=_numbered([clip_id(answer.request) or answer.sample.id for answer in asked.answers]),
    )


def _numbered(names: list[str]) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
