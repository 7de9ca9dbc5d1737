"""Alignments: as many edits as the scorers count, and both sides whole."""

import jiwer
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.scorers.alignment import Alignment, align
from salmonn_eval.scorers.edit import edits

WORDS = st.lists(st.sampled_from(["the", "cat", "a", "sat", "on"]), max_size=9)


def sides(found: Alignment) -> tuple[list[str], list[str]]:
    """Both sides put together again from the blocks."""
    left, right = iter(found.reference), iter(found.hypothesis)
    reference: list[str] = []
    hypothesis: list[str] = []
    for block in found.blocks:
        for _ in range(block.size):
            one = None if block.edit == "insert" else next(left)
            other = None if block.edit == "delete" else next(right)
            assert (one == other) == (block.edit == "equal")
            reference += [one] if one is not None else []
            hypothesis += [other] if other is not None else []
    assert next(left, None) is None and next(right, None) is None
    return reference, hypothesis


@given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_edits_are_the_scorers_and_no_word_is_lost(said: list[str], references: list[list[str]]) -> None:
    found = align(said, references)
    counted = edits(said, references)
    assert (found.edits, len(found.reference)) == (counted.edits, counted.units)
    assert sides(found) == (list(found.reference), said)


@given(WORDS.filter(bool), WORDS)
def test_an_independent_tool_counts_as_many(reference: list[str], said: list[str]) -> None:
    told = jiwer.process_words(" ".join(reference), " ".join(said))
    assert align(said, [reference]).edits == told.substitutions + told.deletions + told.insertions


def test_a_sentence_by_hand() -> None:
    found = align("the bat sat down".split(), ["no such words at all".split(), "the cat sat".split()])
    assert [(block.edit, block.size) for block in found.blocks] == [
        ("equal", 1), ("substitute", 1), ("equal", 1), ("insert", 1),
    ]  # fmt: skip


def test_characters_are_units_too() -> None:
    found = align("雨が降る", ["雪が降る"])
    assert (found.reference, found.edits) == (tuple("雪が降る"), 1)
