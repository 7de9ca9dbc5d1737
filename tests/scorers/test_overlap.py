"""Word error rates over several speakers: golden cases, brute force, and what they forgive."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import jiwer
import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.assignment import cheapest_pairs
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.rules.splitter import streams

Make = Callable[..., Answer]
ONE, TWO = "open the window please", "the train leaves at nine today"


def scorer(metric: str, **settings: str) -> Scorer:
    return build(metric, {"normalizer": "plain", **settings}, ScorerContext("osr", "en"))


def value(scoring: Scorer, given: Answer) -> float:
    (measure,) = scoring.measure([given])
    return float(scoring.combine(np.array([measure.stats]), np.ones(1)))


def test_golden_cpwer(golden: Callable[[str], list[dict[str, Any]]], answer: Make) -> None:
    cases = golden("cpwer")
    assert len(cases) == 7
    for case in cases:
        scoring, expected = scorer("cpwer", normalizer="none", splitter="lines"), case["expected"]
        answers = [answer("\n".join(h), *r) for h, r in zip(case["hyps"], case["refs"], strict=True)]
        stats = np.array([measure.stats for measure in scoring.measure(answers)])
        assert stats[:, 0].tolist() == expected["edits_per_sample"], case["id"]
        assert stats[:, 1].sum() == expected["ref_units"]
        assert float(scoring.combine(stats, np.ones(len(stats)))) == pytest.approx(100 * expected["value"], abs=1e-6)


def test_the_assignment_is_the_cheapest_of_all() -> None:
    draw = np.random.default_rng(1)
    for _ in range(30):
        costs = draw.integers(0, 20, size=(4, 4)).tolist()
        best = min(sum(costs[row][column] for row, column in enumerate(order)) for order in permutations(range(4)))
        assert sum(costs[row][column] for row, column in cheapest_pairs(costs)) == best
    assert cheapest_pairs([]) == cheapest_pairs([[], []]) == []
    assert len(cheapest_pairs([[1, 2, 3]])) == 1


def test_the_order_of_speakers_is_free(answer: Make) -> None:
    scoring = scorer("osr_wer")
    assert value(scoring, answer(f"{ONE} {TWO}", ONE, TWO)) == 0
    assert value(scoring, answer(f"{TWO} {ONE}", ONE, TWO)) == 0
    heard = "the train leaves at nine open a window please"
    expected = min(jiwer.wer(f"{a} {b}", heard) for a, b in ((ONE, TWO), (TWO, ONE)))
    assert value(scoring, answer(heard, ONE, TWO)) == pytest.approx(100 * expected)


def test_one_speaker_alone_loses_the_other_ones_words(answer: Make) -> None:
    assert value(scorer("osr_wer"), answer(ONE, ONE, TWO)) == pytest.approx(60)
    assert value(scorer("cpwer"), answer(ONE, ONE, TWO)) == pytest.approx(60)


def test_order_free_wer_does_not_depend_on_how_parts_are_marked(answer: Make) -> None:
    """The reason for it being the headline: cpWER charges an unmarked answer for its missing line break."""
    marked, unmarked = f"{TWO}\n{ONE}", f"{TWO} {ONE}"
    assert value(scorer("osr_wer"), answer(marked, ONE, TWO)) == value(scorer("osr_wer"), answer(unmarked, ONE, TWO))
    assert value(scorer("cpwer"), answer(marked, ONE, TWO)) == 0
    assert value(scorer("cpwer"), answer(unmarked, ONE, TWO)) == pytest.approx(80)


def test_another_number_of_parts_is_told(answer: Make) -> None:
    scoring = scorer("cpwer")
    answers = [answer(f"{ONE}\n{TWO}\nand more", ONE, TWO), answer(ONE, ONE, TWO), answer(f"{ONE}; {TWO}", ONE, TWO)]
    assert [measure.why for measure in scoring.measure(answers)] == [
        "3 part(s) for 2 speaker(s)",
        "1 part(s) for 2 speaker(s)",
        None,
    ]


def test_turns_of_one_speaker_are_joined() -> None:
    text = "Speaker 1: open the window. Speaker 2: the train leaves Speaker 1: please"
    assert streams(text) == ["open the window. please", "the train leaves"]
    assert streams("Two people talk. The speaker A says: hello; Speaker B: good bye") == [
        "Two people talk.",
        "hello",
        "good bye",
    ]
    assert streams("one\ntwo") == ["one", "two"]


def test_too_many_speakers_for_every_order_are_unscored(answer: Make) -> None:
    (measure,) = scorer("osr_wer").measure([answer("a b c d e", *"abcde")])
    assert measure.why == "5 speakers; at most 4 can be tried in every order"
    assert scorer("osr_wer").worst(answer("", "a b", "c")[0]).tolist() == [3, 3]
    assert scorer("cpwer").worst(answer("", "a b", "c")[0]).tolist() == [3, 3]
    assert scorer("cpwer").best(answer("", "a b", "c")[0]).tolist() == [0, 3]


@pytest.mark.parametrize("metric", ["osr_wer", "cpwer"])
def test_languages_without_spaces_are_refused(metric: str) -> None:
    with pytest.raises(UsageError, match=f"metric '{metric}' cannot count words of 'zh'"):
        build(metric, {}, ScorerContext("osr", "zh-CN"))


def test_signatures_state_order_and_splitter() -> None:
    assert str(scorer("osr_wer").signature) == (
        "osr_wer|norm:plain.1|lang:en|agg:corpus|empty-ref:ins|refs:all-in-any-order|v:1"
    )
    assert str(scorer("cpwer").signature).endswith("|refs:all-assigned|splitter:marks.1|v:1")
