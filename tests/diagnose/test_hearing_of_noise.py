"""H of answers that have nothing to do with the clip: about 0, its interval holds 0, and its p is uniform."""

import numpy as np
import pytest

from salmonn_eval.diagnose.graded import GradedSet
from salmonn_eval.diagnose.hearing import HearingRow, hearing
from salmonn_eval.diagnose.reading import Answered, AnswerSet
from salmonn_eval.engine.spec import Question
from salmonn_eval.records import Generation, Request, Sample, Variant
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task

N = 60
QUESTION = Question(find_task(discover(), "er").spec, "mini", "", "")
ANSWERS = tuple(
    Answered(
        Sample(f"s{n}", cluster=(f"v{n // 2}",)),
        Request(f"k{n}", "er", "mini", f"s{n}", "?", (), Generation(9), Variant()), "sad", "yes", "as asked",
    )
    for n in range(N)
)  # fmt: skip


def heard(right: np.ndarray) -> HearingRow:
    """H of one test set of which every answer i has the score `right[i, j]` as an answer to clip j."""
    places = np.arange(N)
    graded = GradedSet(
        asked=AnswerSet(QUESTION, Variant(), ANSWERS, {}, 0),
        own=np.diag(right).copy(),
        perfect=np.ones(N),
        followed=np.ones(N),
        undetermined=np.zeros(N, dtype=np.bool_),
        right=right,
        against=places,
        strata=np.zeros(N, dtype=np.int64),
        clips=places,
    )
    return hearing([graded]).rows[0]


def labels(generator: np.random.Generator, share: float) -> np.ndarray:
    """Four labels, of which an answer is the clip's own in `share` of the cases, else any."""
    gold = generator.integers(0, 4, N)
    said = np.where(generator.random(N) < share, gold, generator.integers(0, 4, N))
    found: np.ndarray = (said[:, None] == gold[None]).astype(np.float64)
    return found


def test_what_ignores_the_clip_is_not_heard() -> None:
    generator = np.random.default_rng(6)
    rows = [heard(labels(generator, 0.0)) for _ in range(60)]
    values = np.array([row.h.value for row in rows], dtype=np.float64)
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    held = [row.h.ci is not None and row.h.ci.low <= 0 <= row.h.ci.high for row in rows]
    assert np.mean(held) == pytest.approx(0.95, abs=0.09)
    p = np.array([row.p for row in rows], dtype=np.float64)
    assert 0.4 < p.mean() < 0.65, "labels tie, so p lies a little high"
    assert np.mean(p <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(p))


def test_h_is_the_share_of_answers_that_hear() -> None:
    generator = np.random.default_rng(7)
    values = [heard(labels(generator, 0.6)) for _ in range(25)]
    assert np.mean([row.h.value or 0.0 for row in values]) == pytest.approx(0.6, abs=0.05)
    assert all((row.p or 0.0) < 0.001 for row in values)


def test_a_task_that_everyone_answers_alike_leaves_nothing_to_hear() -> None:
    found = heard(np.ones((N, N)))
    assert found.h.value is None and "above an exchanged one" in str(found.h.why) and found.p is None
