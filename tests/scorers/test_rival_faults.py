"""Faults seen in other harnesses, each shown not to happen here."""

import numpy as np
import pytest

from salmonn_eval.engine.joined import Item
from salmonn_eval.engine.plan import PlanRow
from salmonn_eval.engine.scoring import measured
from salmonn_eval.engine.summarise import Column
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import ScorerContext
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.wer import WordErrorRate
from salmonn_eval.tasks.spec import MetricSpec


def item(sample_id: str, text: str | None, reference: str) -> Item:
    request = Request(sample_id, "asr", "d", sample_id, "", (), Generation(200), Variant())
    prediction = Prediction(
        sample_id, text, "error" if text is None else "eos", error=None if text else "out of memory"
    )
    return Item(PlanRow(request, 0.0), Sample(sample_id, references=(reference,)), prediction)


ITEMS = [item("a", "one two three", "one two three"), item("b", None, "four five six"), item("c", "seven", "seven up")]


def test_a_failed_answer_is_no_empty_text() -> None:
    scorer = build("wer", {}, ScorerContext("asr", "en"))
    measures = [measure for _, measure in measured(scorer, ITEMS)]
    assert [measure.status for measure in measures] == ["scored", "error", "scored"]
    assert (measures[1].stats, measures[1].value, measures[1].why) == ((), None, "out of memory")


def test_a_failed_answer_does_not_leave_the_denominator_unnoticed() -> None:
    """The value is over what was scored; the ends that bounds are made of hold the failed sample's words."""
    scorer = build("wer", {}, ScorerContext("asr", "en"))
    column = Column(MetricSpec("wer"), scorer)
    for joined, measure in measured(scorer, ITEMS):
        column.add(joined.sample, measure, "yes")
    assert column.status == ["scored", "error", "scored"]
    scored = [stats for stats in column.stats if stats is not None]
    assert float(scorer.combine(np.array(scored), np.ones(2))) == pytest.approx(100 * 1 / 5)
    worst, best = (np.array([*scored, ends[1]]) for ends in (column.worst, column.best))
    assert float(scorer.combine(worst, np.ones(3))) == pytest.approx(100 * 4 / 8)
    assert float(scorer.combine(best, np.ones(3))) == pytest.approx(100 * 1 / 8)


@pytest.mark.parametrize(
    ("metric", "settings", "language"),
    [
        ("wer", {}, "zh"),
        ("wer", {}, "ja"),
        ("osr_wer", {}, "zh"),
        ("wer", {"normalizer": "whisper-en"}, "de"),
        ("wer", {"normalizer": "whisper-en"}, None),
        ("cer", {"normalizer": "whisper-en"}, "fr"),
        ("bleu", {"tokenize": "13a"}, "zh"),
        ("bleu", {"tokenize": "13a"}, "ja"),
        ("bleu", {"tokenize": "zh"}, "de"),
        ("keyword_accuracy", {}, "zh"),
        ("diversity", {}, "zh"),
        ("grounding", {}, "ja"),
    ],
)
def test_a_language_that_a_scorer_cannot_handle_is_refused(
    metric: str, settings: dict[str, str], language: str | None
) -> None:
    with pytest.raises(UsageError, match=r"language|cannot count words|has no spaces|does not have"):
        build(metric, settings, ScorerContext("t", language))


@pytest.mark.parametrize(
    ("metric", "settings", "language", "part"),
    [
        ("wer", {}, "de-DE", "|lang:de|"),
        ("wer", {}, "en", "|lang:en|"),
        ("cer", {}, "zh-CN", "|spaces:remove|lang:zh|"),
        ("cer", {}, "en", "|spaces:keep|lang:en|"),
        ("cpwer", {}, "en", "|lang:en|"),
        ("bleu", {}, "zh-CN", "|tok:zh|"),
        ("bleu", {}, "de", "|tok:13a|"),
        ("bleu", {}, "ja", "|tok:char|"),
        ("slot_accuracy", {}, "en", "|norm:whisper-en.1|"),
        ("slot_accuracy", {}, "de", "|norm:plain.1|"),
        ("answer_accuracy", {}, "zh", "|unit:char|"),
    ],
)
def test_the_language_reaches_the_scorer(metric: str, settings: dict[str, str], language: str, part: str) -> None:
    scorer = build(metric, settings, ScorerContext("t", language, rule="answers_speech"))
    assert part in str(scorer.signature)


def test_a_scorer_that_fails_costs_one_answer() -> None:
    class Fragile(WordErrorRate):
        def units(self, text: str) -> list[str]:
            if text == "seven":
                raise ValueError("no sevens")
            return super().units(text)

    measures = [measure for _, measure in measured(Fragile({"normalizer": "plain"}, ScorerContext("asr", "en")), ITEMS)]
    assert [measure.status for measure in measures] == ["scored", "error", "unscored"]
    assert measures[2].why == "the scorer failed: ValueError: no sevens"
