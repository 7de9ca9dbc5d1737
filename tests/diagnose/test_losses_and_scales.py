"""Losses of trained metrics: which rows, which unit; and by simulation how often a proven scale is a wrong one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from salmonn_eval.diagnose.losses import Metric, headline_metrics, loss_at, relative_loss
from salmonn_eval.diagnose.overfitting import gatekept
from salmonn_eval.diagnose.reading import Answered, AnswerSet
from salmonn_eval.engine.scoring import ScoreRow, context_of, settled
from salmonn_eval.engine.spec import Question
from salmonn_eval.records import Generation, Request, Sample, Variant
from salmonn_eval.scorers.base import Scorer
from salmonn_eval.scorers.registry import build
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task

VOICES = np.repeat(np.arange(35), [3] * 30 + [2] * 5)
"""A hundred items of 35 voices, as the mini sets have them."""


@pytest.fixture(scope="module")
def asr() -> Question:
    return Question(find_task(discover(), "asr").spec, "mini", "", "", protocol=(("voice", "ann"),))


@pytest.fixture(scope="module")
def wer(asr: Question) -> Scorer:
    return build("wer", {"normalizer": "whisper-en"}, context_of(asr))


def row(sample: str, signature: str, edits: float) -> ScoreRow:
    stats = (edits, 10.0)
    return ScoreRow(f"k {sample}", sample, "wer", signature, "scored", stats, 10 * edits, None, None, "yes")


def test_the_headline_s_own_rows_are_taken_though_the_data_s_protocol_stands_in_the_signature(asr: Question) -> None:
    names = {
        normalizer: str(settled(build("wer", {"normalizer": normalizer}, context_of(asr)).signature, asr))
        for normalizer in ("plain", "whisper-en")
    }
    assert all("voice:ann" in name for name in names.values())
    sample = Sample("s", references=("a b c d e f g h i j",))
    request = Request("k s", "asr", "mini", "s", "?", (), Generation(9), Variant())
    scores = {
        names["plain"]: {"s": row("s", names["plain"], 5)},
        names["whisper-en"]: {"s": row("s", names["plain"], 2)},
    }
    answers = (Answered(sample, request, "a", "yes", "as asked"),)
    (metric,) = headline_metrics([AnswerSet(asr, Variant(), answers, scores, 0)])
    assert metric.value(0) == pytest.approx(20.0), "whisper-en is the headline; plain stands first"


def test_a_loss_is_relative_and_near_nothing_held_against_the_range(wer: Scorer) -> None:
    worse = relative_loss(np.array([22.0, 18.0, 2.0]), np.array([20.0, 20.0, 1.0]), wer)
    assert worse.tolist() == pytest.approx([0.1, -0.1, 0.2])
    accuracy = build("accuracy", {}, context_of(Question(find_task(discover(), "er").spec, "mini", "", "")))
    assert float(relative_loss(np.array(0.72), np.array(0.8), accuracy)) == pytest.approx(0.1)


def simulated(
    wer: Scorer, generator: np.random.Generator, rates: tuple[float, ...], voices: NDArray[np.int64]
) -> Metric:
    """Words wrong at a rate a scale, which voices share in part: the same ones at every scale, as in real sweeps."""
    hard = generator.gamma(4, 1 / 4, voices.max() + 1)[voices]
    units = generator.integers(6, 14, len(voices)).astype(np.float64)
    stats = []
    for rate in rates:
        chance = np.clip(rate * hard * generator.gamma(8, 1 / 8, len(voices)), 0, 1)
        stats.append(np.stack([generator.binomial(units.astype(int), chance), units], axis=1))
    samples = tuple(
        Sample(f"s{n}", references=(" ".join(["word"] * int(size)),), cluster=(f"v{voice}",))
        for n, (voice, size) in enumerate(zip(voices, units, strict=True))
    )
    return Metric("asr", "mini", "wer", wer, np.array(stats, dtype=np.float64), samples)


@pytest.mark.parametrize("voices", [VOICES, np.arange(100)], ids=["35 voices", "100 clips"])
def test_a_scale_that_costs_what_is_too_much_is_proven_in_one_of_twenty_at_most(
    wer: Scorer, voices: NDArray[np.int64]
) -> None:
    """Both other scales truly lose 10 %: the worst case that is still wrong. Two metrics must agree."""
    generator = np.random.default_rng(11)
    wrong, tries = 0, 150
    for _ in range(tries):
        metrics = [simulated(wer, generator, (0.22, 0.22, 0.2), voices) for _ in range(2)]
        bounds = [[loss_at(metric, scale, 2).bound for metric in metrics] for scale in range(3)]
        sure = [all(bound is not None and bound <= 0.1 for bound in row) for row in bounds]
        wrong += bool(gatekept(sure, 2)[:2].any())
    assert wrong / tries <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / tries)


def test_one_metric_s_bound_holds_as_often_as_stated(wer: Scorer) -> None:
    generator = np.random.default_rng(12)
    bounds = [loss_at(simulated(wer, generator, (0.22, 0.2), VOICES), 0, 1).bound for _ in range(300)]
    held = np.mean([bound is not None and bound >= 0.1 for bound in bounds])
    assert held >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 300)


def test_a_scale_without_any_loss_is_proven_where_there_is_enough_to_see(wer: Scorer) -> None:
    generator = np.random.default_rng(13)
    many = np.repeat(np.arange(400), 5)
    metric = simulated(wer, generator, (0.15, 0.2), many)
    found = loss_at(metric, 0, 1)
    assert found.bound is not None and found.loss < found.bound < 0.1


def test_answers_that_do_not_differ_at_all_may_still_hide_a_loss(wer: Scorer) -> None:
    metric = simulated(wer, np.random.default_rng(14), (0.2,), VOICES)
    twice = Metric("asr", "mini", "wer", wer, np.repeat(metric.stats, 2, axis=0), metric.samples)
    found = loss_at(twice, 0, 1)
    hidden = 1 - 0.05 ** (1 / 35)
    assert found.loss == 0.0
    assert found.bound == pytest.approx(hidden * (1 - found.default / 100) / (found.default / 100), rel=0.01)
