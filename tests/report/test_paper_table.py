"""`table --like paper`: the published rows, grades, and what may not stand there."""

import pytest
from report_values import value

from salmonn_eval.errors import UsageError
from salmonn_eval.report import formats
from salmonn_eval.report.paper import like_paper
from salmonn_eval.report.published import read_columns, read_published
from salmonn_eval.report.wide import Cell, Wide
from salmonn_eval.tasks.discover import discover

RELEASE = "beams:4|cap:200|scale:4|dtype:float16|audio:truncate@30s,first"
ASKED = "asr.librispeech-test-clean|n:2620|items:x|instructions:y|prompts:release|condition:none"
MINE = {"model": "mine", "n_planned": 2620, "n_scored": 2620, "asked": ASKED, "system": RELEASE}


def cell(table: Wide, system: str, dataset: str, metric: str) -> Cell:
    (row,) = (row for row in table.rows if row.system == system)
    (found,) = (
        cell
        for column, cell in zip(table.columns, row.cells, strict=True)
        if (column.dataset, column.metric) == (dataset, metric)
    )
    assert found is not None
    return found


def test_the_paper_s_numbers_stand_where_it_prints_them() -> None:
    tables = like_paper([value(**MINE)])
    names = [[column.heading[0] for column in table.columns] for table in tables.values()]
    assert list(dict.fromkeys(names[0])) == [
        "ASR (A)", "ASR (B)", "En2Zh (A)", "AAC (A)", "PR (B)", "ER (A)", "MC (B)", "OSR (B)", "SV (D)"
    ]  # fmt: skip
    assert list(dict.fromkeys(names[1])) == [
        "En2De (A)", "En2Ja (B)", "KE (C)", "SQQA (C)", "SF (C)", "Story (B)", "SAC (D)"
    ]  # fmt: skip
    with_, without = "SALMONN w/ activation (published)", "SALMONN w/o activation (published)"
    assert cell(tables["3(a)"], with_, "librispeech-test-other", "wer").value == 4.9
    assert cell(tables["3(a)"], with_, "audiocaps-test", "spider").value == 40.3
    assert cell(tables["3(b)"], without, "wikiqa-test", "fr_paper").value == 0.29
    assert cell(tables["3(b)"], with_, "in-house", "judge_accuracy").value == 0.5
    assert [row.system for row in tables["3(b)"].rows] == [without, with_, "reference value (published)"]


def test_what_one_source_quotes_is_grey() -> None:
    table = like_paper([value(**MINE)])["3(a)"]
    with_, without = "SALMONN w/ activation (published)", "SALMONN w/o activation (published)"
    assert cell(table, without, "librispeech-test-clean", "wer").weak
    assert not cell(table, with_, "librispeech-test-clean", "wer").weak
    assert cell(table, without, "musiccaps-eval", "coco_bleu4").weak  # quoted once and implausible
    assert "_3.50_" in formats.as_markdown(table)
    assert r"\textcolor{gray}{3.50}" in formats.as_latex(table)


@pytest.mark.parametrize(
    ("change", "grade", "why"),
    [
        ({}, "A", ""),
        ({"system": RELEASE.replace("beams:4", "beams:1")}, "B", "beams other than 4"),
        ({"system": RELEASE.replace("cap:200", "cap:100")}, "B", "cap other than 200"),
        ({"system": "unknown"}, "B", "unknown decoding"),
        ({"n_planned": 100, "n_scored": 100}, "B", "100 of 2620 items"),
        ({"asked": ASKED.replace("release", "paraphrase-1")}, "B", "prompts:paraphrase-1"),
        ({"asked": "unknown"}, "B", "unknown prompts"),
    ],
)
def test_another_setting_than_the_release_s_lowers_a_to_b(change: dict[str, object], grade: str, why: str) -> None:
    table = like_paper([value(**{**MINE, **change})])["3(a)"]
    found = cell(table, "mine", "librispeech-test-clean", "wer")
    assert found.grade == grade
    told = " ".join(table.notes[number - 1] for number in found.marks)
    assert (f"mine: B for {why}" in told) == bool(why)


def test_data_that_cannot_be_had_is_d_whatever_the_settings() -> None:
    mine = value(
        **{**MINE, "task": "sv", "dataset": "voxceleb1-o", "metric": "accuracy", "unit": "fraction", "better": "higher"}
    )
    assert cell(like_paper([mine])["3(a)"], "mine", "voxceleb1-o", "accuracy").grade == "D"


@pytest.mark.parametrize("dataset", ["mini", "mini-real"])
def test_embedded_test_sets_are_refused(dataset: str) -> None:
    with pytest.raises(UsageError, match=f"asr:{dataset} is of the embedded suite {dataset}"):
        like_paper([value(**MINE), value(**{**MINE, "dataset": dataset})])


def test_other_data_is_no_row_of_the_paper() -> None:
    with pytest.raises(UsageError, match="none of these results"):
        like_paper([value(**{**MINE, "dataset": "tedlium"})])


def test_two_measured_systems_must_still_match() -> None:
    other = value(**{**MINE, "model": "other", "signature": "wer|v:2"})
    with pytest.raises(UsageError, match="scored"):
        like_paper([value(**MINE), other])


def test_every_mapped_column_exists() -> None:
    tasks = {task.spec.id: task.spec for task in discover().tasks}
    for column in read_columns().columns:
        task, _, dataset = column.here.partition(":")
        entry = tasks[task].datasets[dataset]
        names = {metric.name for metric in (*tasks[task].metrics, *(entry.metrics or ()))}
        assert {column.metric_id, *([column.following] if column.following else [])} <= names, column


def test_units_are_ours() -> None:
    rows = [row for row in read_published() if row.value.model == "SALMONN-7B (AudioBench)"]
    found = {(row.value.dataset, row.value.metric): row.value.value for row in rows}
    assert found["librispeech-test-clean", "wer"] == pytest.approx(10.27)
    assert found["audiocaps-test", "meteor"] == pytest.approx(20.99)
    assert found["covost2-en-zh", "bleu"] == 33.89
