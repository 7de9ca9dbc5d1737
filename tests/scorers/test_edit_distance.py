"""Edit counts against jiwer on random texts, and the traps of comparing by hash."""

import jiwer
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.scorers.edit import Edits, edits

WORDS = st.lists(st.sampled_from("a b c the The tea é 1 -1 -2 97".split()), max_size=12)


@given(WORDS, WORDS.filter(bool))
def test_equals_jiwer(hypothesis: list[str], reference: list[str]) -> None:
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    total = found.substitutions + found.deletions + found.insertions
    assert edits(hypothesis, [reference]) == Edits(total, len(reference))


@given(st.text("abc é", max_size=15), st.text("abc é", min_size=1, max_size=15).filter(str.strip))
def test_characters_equal_jiwer(hypothesis: str, reference: str) -> None:
    found = jiwer.process_characters(reference.strip(), hypothesis.strip())
    total = found.substitutions + found.deletions + found.insertions
    assert edits(hypothesis.strip(), [reference.strip()]).edits == total


def test_numbers_and_letters_of_the_same_hash_differ() -> None:
    assert edits(["-1"], [["-2"]]).edits == 1
    assert edits(["a"], [["97"]]).edits == 1


def test_an_empty_reference_costs_an_insertion_a_word() -> None:
    assert edits(["no", "one", "spoke"], [[]]) == Edits(3, 0)


def test_the_nearest_reference_counts_and_of_equals_the_longest() -> None:
    hypothesis = "a dog barks".split()
    references = ["a cat".split(), "the dog barks".split(), "a dog barks twice".split()]
    assert edits(hypothesis, references) == Edits(1, 4)
