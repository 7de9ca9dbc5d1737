"""What holds of every metric of text whatever is answered. Those that run Java or ask a judge are tested apart."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salmonn_eval.records import Generation, Measure, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.registry import availability, build

JAVA = {"coco_bleu4", "meteor", "rouge_l", "cider", "spice", "spider"}
JUDGED = {"judge_accuracy"}
NAMES = [name for name, why in availability().items() if why is None and name not in JAVA | JUDGED]
ERROR_RATES = ["wer", "cer", "per", "osr_wer", "cpwer"]
REQUEST = Request("k", "t", "d", "s", "What is it?", (), Generation(200), Variant())
CONTEXT = ScorerContext("t", "en", {"yes": ("yeah",), "no": ()}, rule="answers_speech")
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
WORDS = st.lists(st.sampled_from("yes no the a dog barks ten am, ; . Speaker 1: IH1 Z 今天 grün".split()), max_size=14)
TEXT = ANY_TEXT | WORDS.map(" ".join)
REFERENCES = st.lists(TEXT, min_size=1, max_size=3)
ROWS = st.lists(st.tuples(TEXT, REFERENCES, st.sampled_from(["yes", "no"])), min_size=1, max_size=8)
CALM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD = [
    "\ud800\udfff", "a\u2028b\u2029c\x85d", "\r\n\r\n", "|||", "שלום לעולם", "\u202eabc\u202c", "👩‍👩‍👧‍👦 👍🏽",
    "e\u0301" * 500, "\x00\x01\x7f", "\ufeff\u200b\u200d", "x" * 100_000,
    "yes no, " * 12_500, "今" * 30_000, "1 " * 50_000,
]  # fmt: skip


def answers(rows: list[tuple[str, list[str], str]]) -> list[Answer]:
    return [
        (
            Sample(
                f"s{number}",
                fields={"transcript": "is it a dog", "slot": "animal", "slots": {"animal": "dog", "time": "ten am"}},
                references=tuple(references),
                labels=(label,),
            ),
            REQUEST,
            Prediction("k", text, "eos", label_logprobs={"yes": -len(text) - 1.0, "no": -len(references[0]) - 1.0}),
        )
        for number, (text, references, label) in enumerate(rows)
    ]


def prepared(name: str, given_: list[Answer]) -> Scorer:
    scoring = build(name, {}, CONTEXT)
    scoring.prepare(sample for sample, _, _ in given_)
    return scoring


def stats_of(measures: list[Measure]) -> np.ndarray:
    return np.array([measure.stats for measure in measures if measure.status == "scored"])


@pytest.mark.parametrize("name", NAMES)
@given(rows=ROWS, data=st.data())
@CALM
def test_any_text_is_measured_and_neither_order_nor_parts_matter(
    name: str, rows: list[tuple[str, list[str], str]], data: st.DataObject
) -> None:
    """One measure an answer, as wide as the ends, never negative where errors are counted, finite or undefined.

    After one shared `prepare`, permuting samples, or scoring a corpus in two parts, changes nothing.
    """
    given_ = answers(rows)
    scoring = prepared(name, given_)
    measures = list(scoring.measure(given_))
    assert len(measures) == len(given_)
    for measure, (sample, _, _) in zip(measures, given_, strict=True):
        assert measure.status == "scored" or measure.why
        assert measure.value is None or np.isfinite(measure.value)
        if measure.status == "scored":
            assert len(measure.stats) == len(scoring.worst(sample)) == len(scoring.best(sample))
            assert np.isfinite(measure.stats).all()
            assert name not in ERROR_RATES or min(measure.stats) >= 0
    _same_in_parts(scoring, given_, measures, data)


def _same_in_parts(scoring: Scorer, given_: list[Answer], measures: list[Measure], data: st.DataObject) -> None:
    whole = stats_of(measures)
    order = data.draw(st.permutations(range(len(given_))))
    cut = data.draw(st.integers(0, len(given_)))
    shuffled = [given_[index] for index in order]
    parts = [stats_of(list(scoring.measure(part))) for part in (shuffled[:cut], shuffled[cut:])]
    joined = [part for part in parts if len(part)]
    assert sum(map(len, joined)) == len(whole)
    if not joined:
        return
    value = float(scoring.combine(whole, np.ones(len(whole))))
    again = np.concatenate(joined)
    assert float(scoring.combine(again, np.ones(len(again)))) == pytest.approx(value, nan_ok=True)
    if scoring.additive:
        sums = np.array([part.sum(axis=0) for part in joined])
        assert float(scoring.combine(sums, np.ones(len(sums)))) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("name", ERROR_RATES)
@given(references=st.lists(WORDS.map(" ".join).filter(str.split), min_size=1, max_size=4))
@CALM
def test_an_answer_equal_to_its_reference_has_no_error(name: str, references: list[str]) -> None:
    given_ = answers([(reference, [reference], "yes") for reference in references])
    scoring = build(name, {"splitter": "lines"} if name == "cpwer" else {}, CONTEXT)
    stats = stats_of(list(scoring.measure(given_)))
    assert stats[:, 0].tolist() == [0] * len(given_)


@pytest.mark.parametrize("name", NAMES)
def test_no_string_breaks_or_hangs_a_scorer(name: str) -> None:
    given_ = answers([(text, ["the dog barks at ten am", "yes"], "yes") for text in ODD])
    scoring = prepared(name, given_)
    assert len(list(_each(scoring, given_))) == len(ODD)


def _each(scoring: Scorer, given_: list[Answer]) -> Iterator[Measure]:
    for answer in given_:
        (measure,) = scoring.measure([answer])
        assert measure.status in ("scored", "unscored")
        yield measure
