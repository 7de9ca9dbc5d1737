"""Collapse on given answers: what is alike, what chance makes alike, and what cannot be told."""

import pytest
import sacrebleu

from salmonn_eval.diagnose.collapse import Both, alike

SENTENCES = (
    "the old man knew the red house",
    "my brother waited for a green bird",
    "she sold seven apples on monday",
    "a dog barks while rain falls",
    "nobody heard the teacher sing",
)


def pairs(own: tuple[str, ...], other: tuple[str, ...]) -> list[Both]:
    both = zip(own, other, strict=True)
    return [Both(one, two, f"clip {number}", (f"voice {number}",)) for number, (one, two) in enumerate(both)]


def test_the_same_answer_to_both_instructions_is_collapse() -> None:
    found = alike(pairs(SENTENCES, SENTENCES))
    assert found.k.value == 1.0
    assert found.tau is not None and found.tau < 50


def test_an_answer_that_shares_words_is_above_chance_and_not_collapsed() -> None:
    half = tuple(" ".join(sentence.split()[:3]) for sentence in SENTENCES)
    found = alike(pairs(half, SENTENCES))
    assert found.k.value == 0.0 and found.k_chance.value == 1.0


def test_a_model_that_always_says_the_same_is_not_testable() -> None:
    found = alike(pairs(("it is a dog",) * 5, ("it is a dog",) * 5))
    assert found.tau == 100.0
    assert found.k.value is None and "are alike" in str(found.k.why)
    assert alike(pairs(("",) * 5, (" ",) * 5)).tau == 100.0


def test_one_clip_tells_nothing() -> None:
    assert alike(pairs(("a dog",), ("a dog",))).k.why == "fewer than two clips"


def test_tau_is_the_percentile_of_sacrebleus_chrf_between_different_clips() -> None:
    own = tuple(" ".join(reversed(sentence.split())) for sentence in SENTENCES)
    scores = [
        sacrebleu.sentence_chrf(a, [b]).score for i, a in enumerate(own) for j, b in enumerate(SENTENCES) if i - j
    ]
    found = alike(pairs(own, SENTENCES))
    assert found.tau == pytest.approx(max(scores)), "of 20 different pairs the 99th percentile is the largest"
