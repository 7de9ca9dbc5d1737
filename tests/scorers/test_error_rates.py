"""WER, CER and PER against golden numbers and published outputs."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.rules import Output, follows
from salmonn_eval.stats.intervals import interval

Golden = Callable[[str], list[dict[str, Any]]]
Make = Callable[..., Answer]


def scorer(metric: str, language: str | None = "en", **settings: str) -> Scorer:
    return build(metric, settings, ScorerContext("t", language))


def check(case: dict[str, Any], scoring: Scorer, answer: Make, hyps: list[str], refs: list[str]) -> None:
    measures = list(scoring.measure(answer(hyp, ref) for hyp, ref in zip(hyps, refs, strict=True)))
    stats = np.array([measure.stats for measure in measures])
    expected = case["expected"]
    assert stats.sum(axis=0).tolist() == [expected["edits"], expected["ref_units"]], case["id"]
    if "edits_per_sample" in expected:
        assert stats[:, 0].tolist() == expected["edits_per_sample"], case["id"]
    value = float(scoring.combine(stats, np.ones(len(stats))))
    if expected["value"] is None:
        assert np.isnan(value), case["id"]
    else:
        assert value == pytest.approx(100 * expected["value"], abs=1e-9), case["id"]


def test_wer_equals_the_numbers_other_tools_agree_on(golden: Golden, answer: Make) -> None:
    for case in golden("wer_raw"):
        check(case, scorer("wer", normalizer="none"), answer, case["hyps"], case["refs"])
    for case in golden("wer_whisper"):
        check(case, scorer("wer", normalizer="whisper-en"), answer, case["hyps"], case["refs"])


def test_cer_equals_the_numbers_other_tools_agree_on(golden: Golden, answer: Make) -> None:
    for case in golden("cer"):
        scoring = scorer("cer", normalizer="none", spaces=case["settings"]["spaces"])
        check(case, scoring, answer, case["hyps"], case["refs"])


def test_per_equals_the_numbers_other_tools_agree_on(golden: Golden, answer: Make) -> None:
    for case in golden("per"):
        scoring = scorer("per", phone_set="folded39" if case["settings"]["strip_stress"] else "stress")
        hyps, refs = (case["expected"].get(f"phones_{side}", case[side]) for side in ("hyps", "refs"))
        check(case, scoring, answer, hyps, refs)


def test_published_outputs_have_their_published_wer_and_it_is_fifty_phone_strings(shared: Path, answer: Make) -> None:
    with gzip.open(shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    answers = [answer(row["prediction"], row["reference"]) for row in rows]
    scoring = scorer("wer", normalizer="none")
    stats = np.array([measure.stats for measure in scoring.measure(answers)])
    ones = np.ones(len(rows))
    assert float(scoring.combine(stats, ones)) == pytest.approx(10.270871845172973, abs=1e-12)
    phones = np.array([follows("phones", Output(given)).followed == "yes" for given in answers])
    assert phones.sum() == 50
    assert not any(follows("phones", Output(answer(row["reference"]))).followed == "yes" for row in rows)
    assert float(scoring.combine(stats, ones * ~phones)) == pytest.approx(3.00, abs=0.005)
    found = interval(scoring.combine, stats, [(str(row["index"]),) for row in rows])
    assert found is not None
    assert found.low < 10.2709 < found.high


@given(st.lists(st.tuples(st.text("ab c", max_size=8), st.text("ab c", max_size=8)), min_size=1, max_size=8))
def test_sums_are_enough(pairs: list[tuple[str, str]]) -> None:
    scoring = scorer("wer")
    stats = np.array([[len(hyp), scoring.best(Sample("s", references=(ref,)))[1]] for hyp, ref in pairs])
    whole = scoring.combine(stats, np.ones(len(pairs)))
    assert np.allclose(whole, scoring.combine(stats.sum(axis=0, keepdims=True), np.ones(1)), equal_nan=True)


def test_weights_may_have_any_leading_shape(answer: Make) -> None:
    scoring = scorer("wer")
    stats = np.array([[1.0, 2.0], [0.0, 2.0]])
    weights = np.array([[[1.0, 1.0], [2.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]])
    values = scoring.combine(stats, weights)
    assert values.shape == (2, 2)
    assert values[0].tolist() == [25.0, 50.0]
    assert values[1, 0] == 0.0
    assert np.isnan(values[1, 1])


@pytest.mark.parametrize("text", ["", "the cat sat on the mat", "completely wrong words here at all ok"])
def test_worst_is_an_empty_answer_and_best_a_perfect_one(answer: Make, text: str) -> None:
    scoring = scorer("wer")
    sample = answer(text, "the cat sat on the mat")[0]
    assert scoring.worst(sample).tolist() == [6, 6]
    assert scoring.best(sample).tolist() == [0, 6]
    assert tuple(scoring.worst(sample)) == next(iter(scoring.measure([answer("", "the cat sat on the mat")]))).stats


def test_what_a_normalizer_empties_is_noted(answer: Make) -> None:
    first, second = scorer("wer", normalizer="whisper-en").measure([answer("uh um", "well"), answer("yes", "[noise]")])
    assert first.why == "nothing of the answer is left after normalizing"
    assert second.why == "nothing of the reference is left after normalizing"
    assert (second.stats, second.value) == ((1.0, 0.0), None)


def test_a_sample_without_reference_is_unscored(answer: Make) -> None:
    measure = next(iter(scorer("wer").measure([answer("anything")])))
    assert (measure.status, measure.why) == ("unscored", "the sample has no reference")


@pytest.mark.parametrize("metric", ["wer", "cer", "per"])
def test_a_sample_without_reference_weighs_nothing_in_the_bounds(metric: str) -> None:
    scoring = scorer(metric)
    assert scoring.worst(Sample("s")).tolist() == scoring.best(Sample("s")).tolist() == [0, 0]


@pytest.mark.parametrize("language", ["zh", "ja", "zh-CN", "th"])
def test_words_of_a_language_without_spaces_are_refused(language: str) -> None:
    with pytest.raises(UsageError, match="use `cer`"):
        scorer("wer", language)


def test_cer_drops_spaces_where_a_language_has_none(answer: Make) -> None:
    assert next(iter(scorer("cer", "zh").measure([answer("今天 天气", "今天天气")]))).value == 0
    assert next(iter(scorer("cer", "en").measure([answer("to day", "today")]))).value == 20


def test_signatures_say_how_it_was_counted() -> None:
    assert str(scorer("wer", normalizer="whisper-en").signature) == (
        "wer|norm:whisper-en.1|lang:en|agg:corpus|empty-ref:ins|refs:nearest|v:1"
    )
    assert "spaces:remove" in str(scorer("cer", "ja").signature)
    assert "phones:folded39" in str(scorer("per", phone_set="folded39").signature)
    assert "lang:unknown" in str(scorer("wer", None, normalizer="plain").signature)


def test_phones_are_read_in_every_spelling_of_stress(answer: Make) -> None:
    spellings = ["IH1 Z", "ih1 z", "ih one z", "IH 1 Z", "sil IH1 Z"]
    folded = [
        measure.value for measure in scorer("per", phone_set="folded39").measure(answer(t, "IH0 Z") for t in spellings)
    ]
    assert folded == [0, 0, 0, 0, 0]
    exact = [measure.value for measure in scorer("per").measure(answer(t, "IH1 Z") for t in spellings)]
    assert exact == [0, 0, 0, 0, 50]


def test_tokens_that_are_no_phones_are_errors_and_counted(answer: Make) -> None:
    measure = next(iter(scorer("per").measure([answer("IH1 hello Z one", "IH1 Z")])))
    assert measure.stats == (1.0, 2.0)
    assert measure.why == "1 of 3 tokens are no phones; 1 stress digits have no vowel"
