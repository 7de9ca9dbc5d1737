"""Where other tools give other numbers: each difference reproduced from its cause, so that none is a puzzle."""

from collections.abc import Callable
from typing import Any

import jiwer
import numpy as np
import pytest

from salmonn_eval.scorers.base import Answer, ScorerContext
from salmonn_eval.scorers.bleu import bleu
from salmonn_eval.scorers.registry import build

Golden = Callable[[str], list[dict[str, Any]]]
Make = Callable[..., Answer]


def stats_of(metric: str, settings: dict[str, str], language: str, case: dict[str, Any], answer: Make) -> Any:
    scorer = build(metric, settings, ScorerContext("t", language))
    answers = [answer(hyp, ref) for hyp, ref in zip(case["hyps"], case["refs"], strict=True)]
    return np.array([measure.stats for measure in scorer.measure(answers)])


def of(case: dict[str, Any], tool: str, key: str = "value") -> Any:
    return next(d["value"] for d in case["disagreements"] if d["tool"].startswith(tool) and d["key"] == key)


@pytest.mark.parametrize(("tokenize", "language"), [("zh", "zh"), ("ja-mecab", "ja"), ("13a", "de")])
def test_nltk_counts_an_empty_answer_as_a_missed_ngram_of_each_order(
    tokenize: str, language: str, golden: Golden, answer: Make
) -> None:
    case = next(c for c in golden("bleu_translation") if c["id"] == f"pub-bleu-{language}-one-empty")
    sums = stats_of("bleu", {"tokenize": tokenize}, language, case, answer).sum(axis=0)
    assert float(bleu(sums)) == pytest.approx(case["expected"]["value"], abs=1e-6)
    sums[4:8] += case["hyps"].count("")
    assert float(bleu(sums)) == pytest.approx(of(case, "nltk"), abs=1e-6)


@pytest.mark.parametrize("id_", ["pub-wer-all-empty-ref", "pub-wer-both-empty"])
def test_jiwer_gives_the_insertions_where_no_reference_has_a_word(id_: str, golden: Golden, answer: Make) -> None:
    """We give no rate: a number of edits is none. torchmetrics divides by zero (inf, or nan without edits)."""
    case = next(c for c in golden("wer_raw") if c["id"] == id_)
    edits, words = stats_of("wer", {"normalizer": "none"}, "en", case, answer).sum(axis=0)
    assert (words, case["expected"]["value"]) == (0, None)
    assert edits == of(case, "jiwer") == jiwer.wer(case["refs"], case["hyps"])
    assert of(case, "torchmetrics") == ("inf" if edits else "nan")


def test_jiwer_splits_at_the_space_character_only(golden: Golden, answer: Make) -> None:
    """Tabs, new lines and the ideographic space part words here as in Python's `str.split`."""
    case = next(c for c in golden("wer_raw") if c["id"] == "pub-wer-whitespace-kinds")
    edits = stats_of("wer", {"normalizer": "none"}, "en", case, answer)[:, 0].sum()
    measured = jiwer.process_words(case["refs"], case["hyps"])
    theirs = measured.substitutions + measured.deletions + measured.insertions
    assert edits == case["expected"]["edits"] != theirs == of(case, "jiwer", "edits")


def test_character_rates_have_the_same_empty_reference(golden: Golden, answer: Make) -> None:
    case = next(c for c in golden("cer") if c["id"] == "pub-cer-empty-ref")
    edits, characters = stats_of("cer", {"normalizer": "none"}, "en", case, answer).sum(axis=0)
    assert (characters, edits) == (0, of(case, "jiwer"))
