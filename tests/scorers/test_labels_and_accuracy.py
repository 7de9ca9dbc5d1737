"""Closed labels out of free answers, and the accuracies over them."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.labels import read_label
from salmonn_eval.scorers.registry import build

Make = Callable[..., Answer]
EMOTIONS = {
    "neutral": ("calm", "emotionless"),
    "happy": ("happiness", "joyful", "excited"),
    "sad": ("sadness", "unhappy"),
    "angry": ("anger", "mad"),
}
YES_NO = {"yes": ("yeah",), "no": ("nope",)}


def scorer(metric: str, labels: dict[str, tuple[str, ...]] = EMOTIONS) -> Scorer:
    return build(metric, {}, ScorerContext("er", "en", labels))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Happy", "happy"),
        ("The speaker is excited.", "happy"),
        ("not happy but sad", "sad"),
        ("She is not very happy; she is angry", "angry"),
        ("Happy, not sad.", "happy"),
        ("There is no anger in this calm voice", "neutral"),
        ("isn’t happy. Sad.", "sad"),
        ("happy happiness joyful", "happy"),
        ("unhappy", "sad"),
        ("HAPPINESS!", "happy"),
    ],
)
def test_the_label_that_an_answer_affirms(text: str, label: str) -> None:
    assert read_label(text, EMOTIONS).label == label


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("happy and sad", "multiple"),
        ("happy or angry", "multiple"),
        ("not happy", "evasive"),
        ("neither happy nor sad", "evasive"),
        ("I cannot tell the emotion.", "evasive"),
        ("As an AI, I do not know.", "evasive"),
        ("sadly, nothing matches: unhappily", "off-task"),
        ("the quick brown fox", "off-task"),
        ("", "off-task"),
    ],
)
def test_what_is_wrong_with_an_answer_without_one_label(text: str, fault: str) -> None:
    found = read_label(text, EMOTIONS)
    assert (found.label, found.fault) == (None, fault)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes, I do not hear anyone else, no.", "yes"),
        ("No.", "no"),
        ("no, there are two people", "no"),
        ("The answer is yes", "yes"),
        ("I know that man", None),
        ("It could be yes or no", None),
    ],
)
def test_yes_and_no(text: str, label: str | None) -> None:
    assert read_label(text, YES_NO).label == label


def test_labels_in_other_scripts() -> None:
    labels = {"happy": ("高兴", "fröhlich"), "sad": ("伤心", "traurig")}
    assert read_label("说话人很高兴。", labels).label == "happy"
    assert read_label("Traurig!", labels).label == "sad"
    assert read_label("不高兴", labels).label is None


def test_golden_closed_answers(golden: Callable[[str], list[dict[str, Any]]], answer: Make) -> None:
    for case in golden("accuracy"):
        if case["settings"]["normalise"] == "none":
            continue  # equality of raw strings, which is no closed-label metric
        labels: dict[str, tuple[str, ...]] = {ref.lower(): () for ref in case["refs"]}
        answers = [answer(h, labels=(r.lower(),)) for h, r in zip(case["hyps"], case["refs"], strict=True)]
        stats = np.array([measure.stats for measure in scorer("accuracy", labels).measure(answers)])
        assert stats[:, 0].tolist() == case["expected"]["correct"], case["id"]


def test_a_wrong_answer_is_scored_with_its_reason(answer: Make) -> None:
    texts = ["happy", "sad", "happy or sad", "cannot say", "la la la"]
    measures = list(scorer("accuracy").measure(answer(text, labels=("happy",)) for text in texts))
    assert [measure.why for measure in measures] == [None, "wrong", "multiple", "evasive", "off-task"]
    assert [measure.value for measure in measures] == [1, 0, 0, 0, 0]
    assert {measure.status for measure in measures} == {"scored"}


def test_a_sample_with_an_unknown_correct_label_is_unscored(answer: Make) -> None:
    first, second = scorer("accuracy").measure([answer("happy", labels=("bored",)), answer("happy")])
    assert first.why == "the correct label 'bored' is none of neutral, happy, sad, angry"
    assert (second.status, second.why) == ("unscored", "the sample has no correct label")


@pytest.mark.parametrize("metric", ["unweighted_accuracy", "balanced_accuracy"])
def test_mean_recall_weighs_rare_classes_like_frequent_ones(metric: str, answer: Make) -> None:
    generator = np.random.default_rng(2)
    names = list(EMOTIONS)
    said, true = generator.choice(names, 60), generator.choice(names, 60, p=[0.7, 0.1, 0.1, 0.1])
    scoring = scorer(metric)
    stats = np.array(
        [m.stats for m in scoring.measure(answer(s, labels=(t,)) for s, t in zip(said, true, strict=True))]
    )
    expected = np.mean([(said[true == name] == name).mean() for name in names])
    assert expected != pytest.approx((said == true).mean())
    assert float(scoring.combine(stats, np.ones(60))) == pytest.approx(expected)
    assert float(scoring.combine(stats.sum(axis=0, keepdims=True), np.ones(1))) == pytest.approx(expected)


def test_mean_recall_leaves_out_classes_without_a_sample(answer: Make) -> None:
    scoring = scorer("unweighted_accuracy")
    stats = np.array(
        [m.stats for m in scoring.measure([answer("sad", labels=("sad",)), answer("sad", labels=("angry",))])]
    )
    assert float(scoring.combine(stats, np.ones(2))) == 0.5
    assert scoring.combine(stats, np.array([[1.0, 0.0], [0.0, 0.0]]))[0] == 1.0
    assert np.isnan(scoring.combine(stats, np.zeros(2)))


def test_yes_rate_is_among_those_who_said_either(answer: Make) -> None:
    scoring = scorer("yes_rate", YES_NO)
    measures = list(scoring.measure(answer(text) for text in ["Yes", "yeah, the same", "No", "perhaps"]))
    stats = np.array([measure.stats for measure in measures])
    assert float(scoring.combine(stats, np.ones(4))) == pytest.approx(2 / 3)
    assert measures[3].value is None


@pytest.mark.parametrize("metric", ["accuracy", "unweighted_accuracy"])
def test_worst_and_best_are_the_ends(metric: str, answer: Make) -> None:
    scoring = scorer(metric)
    samples = [answer("", labels=(label,))[0] for label in EMOTIONS]
    for stats, value in ((scoring.worst, 0.0), (scoring.best, 1.0)):
        assert float(scoring.combine(np.array([stats(sample) for sample in samples]), np.ones(4))) == value


def test_a_task_without_labels_is_refused() -> None:
    with pytest.raises(UsageError, match="needs closed labels"):
        scorer("accuracy", {})
    with pytest.raises(UsageError, match="needs the labels yes and no"):
        scorer("yes_rate")
