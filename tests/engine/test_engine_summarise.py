"""Readings, bounds and counts on four answers that are reckoned by hand."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_runs import go, mini_real, recorded, replay, spec_of, task_file

from salmonn_eval.engine.joined import Joined
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.scoring import context_of, measured, score_question
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Measure, MetricValue, Variant
from salmonn_eval.scorers.base import Answer
from salmonn_eval.scorers.wer import WordErrorRate
from salmonn_eval.tasks.spec import MetricSpec

ROWS = [
    {"id": "right", "references": ["the cat sat"], "cluster": ["1"], "fields": {"transcript": "the cat sat"}},
    {"id": "one word", "references": ["on the mat"], "cluster": ["1"], "fields": {"transcript": "on the mat"}},
    {
        "id": "phones",
        "references": ["we all fall down"],
        "cluster": ["2"],
        "fields": {"transcript": "we all fall down"},
    },
    {"id": "failed", "references": ["hello there"], "cluster": ["2"], "fields": {"transcript": "hello there"}},
]
ANSWERS = [
    {"id": "right", "prediction": "The cat sat."},
    {"id": "one word", "prediction": "on a mat"},
    {"id": "phones", "prediction": "W IY1 AO1 L F AO1 L D AW1 N"},
    {"id": "failed", "error": "out of tape"},
]


def scored(
    folder: Path, rows: list[dict[str, Any]], answers: list[dict[str, Any]]
) -> tuple[RunDirectory, list[MetricValue]]:
    card = replay(folder / "answers.jsonl", answers)
    run = go(spec_of(card, "mine", [task_file(folder, rows)]), folder / "out").run
    return run, score_question(run, "mine.set")


def of(values: list[MetricValue], metric: str, reading: str = "all") -> MetricValue:
    (found,) = (v for v in values if (v.metric, v.reading, v.group) == (metric, reading, None))
    return found


# (reading, value, bounds, scored): edits 0, 1, 10 of 3, 3, 4 words; the failed answer has 2 words.
@pytest.mark.parametrize(
    ("reading", "value", "bounds", "n_scored"),
    [
        ("all", 100 * 11 / 10, (100 * 11 / 12, 100 * 13 / 12), 3),
        ("followed", 100 * 1 / 6, (100 * 1 / 8, 100 * 3 / 8), 2),
        ("strict", 100 * 5 / 10, (100 * 5 / 12, 100 * 7 / 12), 3),
    ],
)
def test_readings_and_bounds(
    tmp_path: Path, reading: str, value: float, bounds: tuple[float, float], n_scored: int
) -> None:
    found = of(scored(tmp_path, ROWS, ANSWERS)[1], "wer", reading)
    assert found.value == pytest.approx(value)
    assert found.bounds == pytest.approx(bounds)
    counts = (found.n_planned, found.n_scored, found.n_unscored, found.n_error, found.n_followed, found.n_undetermined)
    assert counts == (4, n_scored, 0, 1, 2, 0)
    assert (found.unit, found.better, found.headline, found.status) == ("percent", "lower", True, "ok")


def test_the_following_rate_counts_yes_and_no_and_bounds_the_rest(tmp_path: Path) -> None:
    _, values = scored(tmp_path, ROWS, ANSWERS)
    found = of(values, "following_rate")
    assert found.value == pytest.approx(2 / 3)
    assert found.bounds == pytest.approx((2 / 4, 3 / 4))
    assert {v.reading for v in values if v.metric == "following_rate"} == {"all"}


def test_without_failures_there_are_no_bounds(tmp_path: Path) -> None:
    found = of(scored(tmp_path, ROWS[:3], ANSWERS[:3])[1], "wer")
    assert (found.bounds, found.n_error) == (None, 0)


def test_score_rows_stand_in_plan_order_with_every_failure(tmp_path: Path) -> None:
    run, _ = scored(tmp_path, ROWS, ANSWERS)
    rows = [json.loads(line) for line in run.scores("mine.set").read_bytes().splitlines()]
    wer = [row for row in rows if row["metric"] == "wer"]
    assert [row["sample_id"] for row in wer] == [row["id"] for row in ROWS]
    assert [row["status"] for row in wer] == ["scored"] * 3 + ["error"]
    assert [row["stats"] for row in wer] == [[0, 3], [1, 3], [10, 4], []]
    assert [row["followed"] for row in wer] == ["yes", "yes", "no", "undetermined"]
    assert wer[3]["why"] == "out of tape"


def test_an_answer_that_is_missing_from_a_finished_run_is_an_error_and_no_empty_text(tmp_path: Path) -> None:
    found = of(scored(tmp_path, ROWS, ANSWERS[:2])[1], "wer")
    assert (found.n_scored, found.n_error, found.value) == (2, 2, pytest.approx(100 / 6))


def test_nothing_scored_has_no_value_and_says_why(tmp_path: Path) -> None:
    failed = [{"id": row["id"], "error": "no tape"} for row in ROWS]
    _, values = scored(tmp_path, ROWS, failed)
    found = of(values, "wer")
    assert (found.value, found.ci, found.why) == (None, None, "no answer could be scored")
    assert found.bounds == pytest.approx((0, 100))


def test_a_sample_without_a_reference_is_unscored_and_the_others_are_not(tmp_path: Path) -> None:
    rows = [*ROWS[:2], {"id": "bare", "fields": {"transcript": ""}}]
    answers = [*ANSWERS[:2], {"id": "bare", "prediction": "anything"}]
    found = of(scored(tmp_path, rows, answers)[1], "wer")
    assert (found.n_scored, found.n_unscored, found.n_planned) == (2, 1, 3)
    assert found.value == pytest.approx(100 / 6)


class Fragile(WordErrorRate):
    """A scorer with a fault: it cannot take a certain word."""

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        for answer in answers:
            if "mat" in (answer[2].text or ""):
                raise ZeroDivisionError("mat")
            yield self.measure_one(answer)


def test_a_scorer_that_raises_costs_that_answer_alone(tmp_path: Path) -> None:
    run, _ = scored(tmp_path, ROWS, ANSWERS)
    scorer = Fragile({"normalizer": "plain"}, context_of(run.question("mine.set")[0]))
    pairs = list(measured(scorer, Joined(run, "mine.set")))
    assert [(item.sample.id, measure.status) for item, measure in pairs] == [
        ("right", "scored"),
        ("one word", "unscored"),
        ("phones", "scored"),
        ("failed", "error"),
    ]
    assert pairs[1][1].why == "the scorer failed: ZeroDivisionError: mat"


def test_a_metric_named_twice_stands_once(tmp_path: Path, recorded_card: ModelCard) -> None:
    twice = (MetricSpec("cer"), MetricSpec("wer", settings={"normalizer": "whisper-en"}), MetricSpec("following_rate"))
    run = go(spec_of(recorded_card, limit=4, metrics=twice), tmp_path / "out").run
    marks = [(v.signature, v.reading, v.group) for v in score_question(run, "asr.mini-real")]
    assert len(marks) == len(set(marks))
    assert len({mark[0] for mark in marks}) == 4


def test_counts_add_up_over_every_value_of_a_real_test_set(tmp_path: Path) -> None:
    answers = [row if number % 9 else {"id": row["id"], "error": "lost"} for number, row in enumerate(recorded())]
    variants = (Variant(), Variant(prompt_set="paraphrase-1"))
    spec = spec_of(replay(tmp_path / "a.jsonl", answers), variants=variants)
    values = score_question(go(spec, tmp_path / "out").run, "asr.mini-real")
    whole = [value for value in values if value.reading != "followed"]
    assert {(v.n_planned, v.n_error) for v in whole if v.group is None} == {(78, 9)}
    for value in whole:
        assert value.n_scored + value.n_unscored + value.n_error == value.n_planned
        if value.bounds is not None and value.value is not None:
            assert value.bounds[0] <= value.value <= value.bounds[1]
    groups = [v for v in values if v.group and v.signature == values[0].signature and v.variant == variants[0]]
    assert [v.group for v in groups] == ["gender=female", "gender=male"]
    assert sum(v.n_planned for v in groups) == 78
    assert {v.variant for v in values} == set(variants)


def test_a_question_in_which_no_named_sample_lies_is_missing_and_the_other_is_scored(
    tmp_path: Path, recorded_card: ModelCard
) -> None:
    spoken = {row["id"] for row in mini_real("asr")} - {row["id"] for row in mini_real("pr")}
    spec = spec_of(recorded_card, "asr,pr", sample_ids=(min(spoken),))
    run = go(spec, tmp_path / "out").run
    assert {v.status for v in score_question(run, "asr.mini-real")} == {"ok"}
    assert {(v.status, v.n_planned) for v in score_question(run, "pr.mini-real")} == {("missing", 0)}
