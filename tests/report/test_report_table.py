"""The printed table: what it shows, marks, refuses, and how it looks."""

from pathlib import Path

import pytest
from report_values import FR, PLAIN, one_run, value

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Interval, MetricValue, Variant
from salmonn_eval.report.cells import number, width
from salmonn_eval.report.table import markdown, rows, text

SNAPSHOTS = Path(__file__).resolve().parents[1] / "data" / "report"


def two_runs() -> list[MetricValue]:
    lost = {"n_scored": 2600, "n_error": 17, "bounds": (6.9, 8.4)}
    other = {"model": "whisper-tiny", "system": "s2", "ci": Interval(6.8, 8.0, "bootstrap", 40)}
    return [
        *one_run(),
        value(value=7.4, **other, **lost),
        value(value=7.3, reading="followed", n_followed=2590, **other),
    ]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("one_run.md", markdown(one_run(), caption="level1, suite mini-real")),
        ("one_run_strict.txt", text(one_run(), caption="level1, suite mini-real", strict=True)),
        ("two_runs.md", markdown(two_runs())),
        ("two_runs.txt", text(two_runs())),
    ],
)
def test_table_looks_as_kept(name: str, printed: str) -> None:
    assert printed == (SNAPSHOTS / name).read_text(encoding="utf-8")


def test_strict_reading_is_shown_on_request_only() -> None:
    assert "strict" not in text(one_run())
    assert "4.90 [4.20, 5.70] (\N{MINUS SIGN}5.37)" in text(one_run(), strict=True)


def test_headline_metrics_come_first() -> None:
    printed = markdown(one_run())
    assert printed.index("whisper-en") < printed.index("following_rate") < printed.index("norm:plain")


def test_unscored_and_failed_are_counted_and_bounded() -> None:
    printed = markdown(one_run())
    assert "2610/2617" in printed
    assert "5 unscored, 2 failed; between 9.87 and 11.02" in printed


def test_not_applicable_tasks_stand_below_with_the_reason_and_not_as_rows() -> None:
    printed = markdown(one_run())
    assert "- en2zh, sv (no dataset in suite mini-real)" in printed
    assert "| en2zh" not in printed


def test_missing_metric_keeps_its_row_and_says_how_to_mend_it() -> None:
    printed = markdown(one_run())
    assert "| aac | audiocaps | spice ↑ | missing⁴ |" in printed
    assert "run salmonn-eval doctor --fetch spice" in printed


def test_row_with_two_ways_of_scoring_is_refused() -> None:
    with pytest.raises(UsageError, match=r"asr librispeech-test-clean wer: scored as wer.*for a but as wer.*for b"):
        text([value(model="a"), value(model="b", signature=PLAIN)])
    with pytest.raises(UsageError, match="score both again"):
        rows([value(model="a", headline=False), value(model="b", headline=False, signature=PLAIN)])


def test_row_with_two_units_is_refused() -> None:
    with pytest.raises(UsageError, match="one row holds one unit, found a in percent, b in fraction"):
        text([value(model="a"), value(model="b", signature="unknown", unit="fraction", value=0.1)])


def test_run_with_nothing_applicable_still_says_why() -> None:
    absent = {"value": None, "ci": None, "status": "not applicable", "why": "the model only transcribes"}
    printed = text([value(task="sv", **absent), value(task="er", **absent)])
    assert "Not applicable: sv, er (the model only transcribes)" in printed


def test_row_with_two_questions_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a was asked a1 but b a2, another subset"):
        markdown([value(model="a"), value(model="b", asked="a2")])


def test_unknown_question_is_let_through_and_marked() -> None:
    printed = markdown([value(model="a"), value(model="b", asked="unknown", system="unknown", value=9.0)])
    assert "9.00 [8.90, 11.70]¹" in printed
    assert "¹ b: how it was asked and set up is unknown" in printed


def test_value_scored_in_an_unknown_way_stands_in_the_headline_row() -> None:
    printed = markdown([value(model="a"), value(model="b", signature="unknown", asked="unknown", value=9.0)])
    assert printed.count("| asr |") == 1
    assert "how it was asked and scored is unknown" in printed


def test_two_results_for_one_cell_are_refused() -> None:
    with pytest.raises(UsageError, match="salmonn-7b has two values for the reading 'all'"):
        text([value(), value(value=3.0)])


def test_different_systems_may_share_a_row_and_are_listed() -> None:
    printed = markdown([value(model="a"), value(model="b", system="s2")])
    assert "- `a s1; b s2` (asr:librispeech-test-clean)" in printed


def test_scales_are_rows_of_a_sweep_but_one_row_across_models() -> None:
    sweep = [value(variant=Variant(lora_scale=scale)) for scale in (0.0, 2.0, 4.0)]
    assert markdown(sweep).count("| asr |") == 3 and "scale 2" in markdown(sweep)
    models = [value(model="a", variant=Variant(lora_scale=4.0)), value(model="b", variant=Variant())]
    assert markdown(models).count("| asr |") == 1


def test_pipes_in_names_do_not_break_the_markdown_table() -> None:
    printed = markdown([value(dataset="a|b\nc")])
    line = next(line for line in printed.splitlines() if "a\\|b c" in line)
    assert line.replace("\\|", "").count("|") == 6


def test_terminal_lines_keep_to_the_width_and_align_wide_characters() -> None:
    models = ["语音模型", "音声モデル", *(f"model-{i}" for i in range(6))]
    printed = text([value(model=model, ci=Interval(8, 12, "bootstrap", 50)) for model in models], columns=100)
    lines = printed.splitlines()
    assert max(width(line) for line in lines) <= 100
    header, row = (next(line for line in lines if key in line) for key in ("语音模型", "wer % ↓"))
    assert width(header) == width(row)
    assert all(model in printed for model in models)


def test_group_rows_follow_the_whole_dataset() -> None:
    printed = markdown(
        [value(group="gender=female"), value(), value(metric="cer", headline=False, signature="cer|v:1")],
        breakdown=True,
    )
    assert printed.index("| cer") < printed.index("gender=female")


def test_plain_data_has_every_field_in_the_tables_order() -> None:
    found = rows(one_run())
    assert [row["metric"] for row in found] == [
        "wer",
        "wer",
        "wer",
        "following_rate",
        "wer",
        "spice",
        "bleu",
        "accuracy",
    ]
    assert found[0]["ci"]["low"] == 8.9 and found[0]["bounds"] == [9.87, 11.02] and found[3]["signature"] == FR


@pytest.mark.parametrize(
    ("amount", "unit", "printed"),
    [
        (10.270871845172973, "percent", "10.27"),
        (0.98089, "fraction", "0.981"),
        (30.853158881953313, "points", "30.85"),
        (82.45, "words", "82.5"),
        (-0.0004, "percent", "0.00"),
        (-1.5, "points", "\N{MINUS SIGN}1.50"),
    ],
)
def test_units_have_their_own_decimals(amount: float, unit: str, printed: str) -> None:
    assert number(amount, unit) == printed


def test_nothing_to_show_is_said() -> None:
    with pytest.raises(UsageError, match="there are no results to show"):
        text([])
