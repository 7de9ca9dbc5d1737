"""BLEU against sacrebleu itself and against golden cases of several tools."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.bleu import bleu, tokenizer_for
from salmonn_eval.scorers.registry import build
from salmonn_eval.stats.bootstrap import bootstrap_values
from salmonn_eval.stats.members import members

Make = Callable[..., Answer]
LANGUAGES = {"zh": "zh", "ja-mecab": "ja", "13a": "de", "char": "ja"}


def scorer(tokenize: str, language: str | None = None) -> Scorer:
    return build("bleu", {"tokenize": tokenize}, ScorerContext("t", language or LANGUAGES[tokenize]))


def stats_of(scoring: Scorer, answers: list[Answer]) -> Any:
    return np.array([measure.stats for measure in scoring.measure(answers)])


def value_of(scoring: Scorer, stats: Any) -> float:
    return float(scoring.combine(stats, np.ones(len(stats))))


def test_golden_translations(golden: Callable[[str], list[dict[str, Any]]], answer: Make) -> None:
    cases = golden("bleu_translation")
    assert len(cases) == 14
    for case in cases:
        scoring, expected = scorer(case["settings"]["tokenizer"]), case["expected"]
        stats = stats_of(scoring, [answer(h, r) for h, r in zip(case["hyps"], case["refs"], strict=True)])
        assert value_of(scoring, stats) == pytest.approx(expected["value"], abs=1e-6), case["id"]
        counts = [*expected["correct"], *expected["total"], expected["hyp_len"], expected["ref_len"]]
        assert stats.sum(axis=0).tolist() == counts, case["id"]


def test_the_signature_holds_sacrebleus_own(golden: Callable[[str], list[dict[str, Any]]], answer: Make) -> None:
    for case in golden("bleu_translation"):
        scoring = scorer(case["settings"]["tokenizer"])
        list(scoring.measure([answer("", case["refs"][0])]))
        own = BLEU(tokenize=case["settings"]["tokenizer"])
        own.corpus_score(case["hyps"], [case["refs"]])
        assert str(scoring.signature) == f"bleu|{own.get_signature()}|v:1"


def test_the_bootstrap_from_statistics_is_sacrebleus(
    golden: Callable[[str], list[dict[str, Any]]], answer: Make
) -> None:
    case = next(case for case in golden("bootstrap") if case["id"] == "pub-boot-bleu")
    scoring, expected = scorer("13a"), case["expected"]
    stats = stats_of(scoring, [answer(h, r) for h, r in zip(case["hyps"], case["refs"], strict=True)])
    assert value_of(scoring, stats) == pytest.approx(expected["value"], abs=1e-6)
    values = np.sort(bootstrap_values(scoring.combine, stats, members([()] * len(stats)), additive=True, seed=12345))
    assert values.mean() == pytest.approx(expected["boot_mean"], abs=1e-6)
    assert (values[1000 - 1000 // 40 - 1] - values[1000 // 40]) / 2 == pytest.approx(
        expected["ci_half_width"], abs=1e-6
    )


def test_several_references_and_any_subset_equal_sacrebleu(answer: Make) -> None:
    draw = np.random.default_rng(7)
    words = "der die das ein Haus Baum läuft schnell , . und nicht grün 3,5 &amp; sehr".split()
    texts = [" ".join(draw.choice(words, draw.integers(0, 12))) for _ in range(90)]
    rows = [(texts[i], texts[i + 30], texts[i + 60]) for i in range(30)]
    scoring = scorer("13a")
    stats = stats_of(scoring, [answer(*row) for row in rows])
    assert "|nrefs:2|" in str(scoring.signature)
    for chosen in (list(range(30)), [3], [5, 5, 9, 20], list(range(10, 20))):
        hyps, *refs = zip(*[rows[i] for i in chosen], strict=True)
        expected = BLEU(tokenize="13a").corpus_score(list(hyps), [list(ref) for ref in refs]).score
        assert value_of(scoring, stats[chosen]) == pytest.approx(expected, abs=1e-9)


def test_varying_numbers_of_references_are_told(answer: Make) -> None:
    scoring = scorer("13a")
    list(scoring.measure([answer("ein Haus", "ein Haus"), answer("ein Haus", "ein Haus", "das Haus")]))
    assert str(scoring.signature).startswith("bleu|nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_smoothing_counts_orders_without_a_match_one_after_the_other() -> None:
    sums = np.array([[2, 0, 0, 0, 4, 3, 2, 1, 4, 4], [0, 0, 0, 0, 4, 3, 2, 1, 4, 4], [1, 0, 0, 0, 2, 1, 0, 0, 2, 2]])
    precisions = [2 / 4, 1 / (2 * 3), 1 / (4 * 2), 1 / (8 * 1)]
    assert bleu(sums.astype(float)) == pytest.approx([100 * np.prod(precisions) ** 0.25, 0.0, 0.0])
    assert np.isnan(bleu(np.zeros(10)))


@pytest.mark.parametrize(
    ("tokenize", "language", "sentence"),
    [
        ("13a", "zh", "tokenizer '13a' parts text at spaces, which 'zh' does not have; set `tokenize: zh`"),
        ("13a", "ja", "tokenizer '13a' parts text at spaces, which 'ja' does not have; set `tokenize: char`"),
        ("zh", "ja", "tokenizer 'zh' is for zh, yue only, but the answers' language is 'ja'"),
        ("ja-mecab", "zh", "tokenizer 'ja-mecab' is for ja only, but the answers' language is 'zh'"),
        ("ja-mecab", "de", "set `tokenize: 13a`"),
    ],
)
def test_a_tokenizer_is_refused_for_languages_it_cannot_part(tokenize: str, language: str, sentence: str) -> None:
    with pytest.raises(UsageError) as fault:
        scorer(tokenize, language)
    assert sentence in str(fault.value)


def test_the_language_must_be_known_and_chooses_the_tokenizer() -> None:
    with pytest.raises(UsageError, match="needs to know the answers' language"):
        build("bleu", {}, ScorerContext("t"))
    chosen = {language: tokenizer_for("auto", language) for language in ("zh", "ja", "de", "en", "th")}
    assert chosen == {"zh": "zh", "ja": "char", "de": "13a", "en": "13a", "th": "char"}


def test_13a_on_chinese_would_have_hidden_a_good_translation(answer: Make) -> None:
    """What the refusal is for: the whole sentence becomes one token, and 40 points become none."""
    said, meant = "今天的天气非常好，我们打算去公园散步。", "今天天气很好，我们想去公园散步。"
    wrong = BLEU(tokenize="13a").corpus_score([said], [[meant]]).score
    scoring = scorer("zh")
    right = value_of(scoring, stats_of(scoring, [answer(said, meant)]))
    assert wrong == 0.0
    assert right > 40


def test_an_empty_answer_is_the_worst_and_the_reference_the_best(answer: Make) -> None:
    scoring = scorer("zh")
    sample = answer("", "今天天气很好。")[0]
    assert scoring.worst(sample).tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
    assert value_of(scoring, scoring.best(sample)[None]) == pytest.approx(100)
    (unscored,) = scoring.measure([answer("今天")])
    assert (unscored.status, unscored.why) == ("unscored", "the sample has no reference")
    assert scoring.worst(Sample("bare")).tolist() == [0] * 10


@pytest.mark.parametrize("tokenize", ["zh", "ja-mecab", "13a", "char"])
def test_no_string_breaks_a_tokenizer(tokenize: str, answer: Make) -> None:
    strings = ["\ud800 x", "a\u2028b\0c", "\r\n\v\f", "שלום עולם", "👍🏽" * 50, "の" * 30_000, "x " * 50_000, "\ufeff"]
    measures = list(scorer(tokenize).measure(answer(text, "春が来て、花が咲きました。") for text in strings))
    assert [measure.status for measure in measures] == ["scored"] * len(strings)
