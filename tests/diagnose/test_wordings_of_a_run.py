"""Paraphrases of a real run: which wordings were seen, and that wordings answered alike have no spread."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from salmonn_eval.diagnose.graded import GradedSet, graded_sets
from salmonn_eval.diagnose.paraphrases import paraphrases
from salmonn_eval.diagnose.reading import ReadRun, read_run
from salmonn_eval.records import Variant

replace: Any = msgspec.structs.replace


@pytest.fixture(scope="module")
def read(swept: Path) -> tuple[ReadRun, list[GradedSet]]:
    run = read_run(swept)
    return run, [graded for graded in graded_sets(run) if graded.asked.variant == Variant(4.0)]


def worded(graded: GradedSet, prompt_set: str) -> GradedSet:
    """The same answers, as if another wording had got them."""
    found: GradedSet = replace(graded, asked=replace(graded.asked, variant=Variant(4.0, prompt_set)))
    return found


def test_one_wording_is_not_testable(read: tuple[ReadRun, list[GradedSet]]) -> None:
    assert "one wording" in str(paraphrases(*read).why)


def test_seen_are_training_wordings_and_the_release_s_own_of_trained_tasks(
    read: tuple[ReadRun, list[GradedSet]],
) -> None:
    run, sets = read
    learned = run.state.spec.questions[0].task.paraphrases[1].upper()
    run = replace(run, state=replace(run.state, spec=replace(run.state.spec, seen_prompts={"asr": (learned,)})))
    names = ("release", "paraphrase-1", "paraphrase-2", "seen-1")
    rows = paraphrases(run, [worded(graded, name) for graded in sets for name in names]).rows
    seen = {row.task: [wording.prompt_set for wording in row.wordings if wording.seen] for row in rows}
    assert seen == {"asr": ["release", "paraphrase-2", "seen-1"], "en2de": ["seen-1"], "story": ["seen-1"]}
    assert [(one.which, one.n_wordings) for one in rows[0].spreads] == [("all", 4), ("seen", 3)]
    assert [(one.which, one.n_wordings) for one in rows[1].spreads] == [("all", 4), ("unseen", 3)]


def test_wordings_that_are_answered_alike_have_no_spread_and_no_test(read: tuple[ReadRun, list[GradedSet]]) -> None:
    run, sets = read
    for row in paraphrases(run, [worded(graded, f"paraphrase-{n}") for graded in sets for n in (1, 2, 3)]).rows:
        (spread,) = row.spreads
        assert (spread.sd.value, spread.drop) == pytest.approx((0.0, 0.0), abs=1e-12)
        assert (spread.sd.ci, spread.p, spread.drop_p) == (None, None, 1.0)
        assert row.n == 12 and row.gap.value is None


def test_a_wording_that_gets_nothing_is_found_to_be_the_worst(read: tuple[ReadRun, list[GradedSet]]) -> None:
    run, sets = read
    (graded,) = (one for one in sets if one.asked.question.task.id == "asr")
    lost = replace(graded, followed=graded.followed * 0)
    named = zip(
        (graded, graded, lost, graded), ("release", "paraphrase-1", "paraphrase-2", "paraphrase-3"), strict=True
    )
    (row,) = paraphrases(run, [worded(one, name) for one, name in named]).rows
    whole = row.spreads[0]
    assert whole.worst == "paraphrase-2" and whole.drop > whole.drop_most and whole.drop_p < 0.01
    assert whole.p is not None and whole.p < 1e-6 and whole.holm == whole.p
    assert row.gap.value == pytest.approx(graded.g.mean() / 3)
