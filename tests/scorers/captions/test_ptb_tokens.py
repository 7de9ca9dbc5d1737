"""PTB tokens equal those of coco-caption's wrapper, without its ways of losing or shifting captions."""

from collections.abc import Iterator

import pytest

from salmonn_eval.scorers.captions import ptb
from salmonn_eval.scorers.captions.process import JavaFault
from salmonn_eval.scorers.captions.ptb import PtbTokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Iterator[PtbTokenizer]:
    tokenizer = PtbTokenizer()
    yield tokenizer
    tokenizer.close()


def test_tokens_are_those_of_the_coco_wrapper(tokenizer, golden):
    for case in golden("captions"):
        assert tokenizer.tokenize(case["hyps"]) == case["expected"]["tokens_hyps"]
        flat = [text for texts in case["refs"] for text in texts]
        assert tokenizer.tokenize(flat) == [text for texts in case["expected"]["tokens_refs"] for text in texts]


@pytest.mark.parametrize("breaker", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_inside_a_caption_shifts_nothing(tokenizer, breaker):
    texts = ["a dog barks", f"a cat{breaker}meows.{breaker}", "birds sing"]
    assert tokenizer.tokenize(texts) == ["a dog barks", "a cat meows", "birds sing"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        (" \t ", ""),
        ("... -- !", ""),
        ("what...!?", "what !?"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\x00nul", "nul"),
        ("a ||| b", "a | | | b"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("barks 😀 loudly", "barks loudly"),
        ("z" * 100_000, "z" * 100_000),
        ("w " * 50_000, ("w " * 50_000).strip()),
    ],
)
def test_no_text_breaks_or_hangs_the_tokenizer(tokenizer, text, tokens):
    assert tokenizer.tokenize(["before", text, "after"]) == ["before", tokens, "after"]


def test_tokens_do_not_depend_on_the_neighbours(tokenizer):
    texts = ["recorded in the U.S.", "A man talks.", "at 10 p.m.", "", "Etc. and so on"]
    assert tokenizer.tokenize(texts) == [tokenizer.tokenize([text])[0] for text in texts]
    assert tokenizer.tokenize(texts[::-1]) == tokenizer.tokenize(texts)[::-1]


@pytest.mark.slow
def test_a_text_that_kills_the_tokenizer_costs_itself_alone(monkeypatch):
    monkeypatch.setattr(ptb, "_HEAP_MB", 24)
    tokenizer = PtbTokenizer()
    found = tokenizer.tokenize(["a dog", "z" * 20_000_000, "a cat", "birds"])
    tokenizer.close()
    assert [text for text in found if isinstance(text, str)] == ["a dog", "a cat", "birds"]
    assert isinstance(found[1], JavaFault)
    assert str(found[1]) == "the PTB tokenizer ended (it needs more than its 24 MB of memory)"
