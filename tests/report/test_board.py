"""The leaderboard: ranks by hand, boards apart, and the committed page."""

from pathlib import Path

import pytest
from report_values import value

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Interval
from salmonn_eval.report.board import Entry, leaderboard, published_entries, ranks, read_entries

RESULTS = Path(__file__).resolve().parents[2] / "results"


def entry(system: str, low: float | None, high: float = 0.0, **changes: object) -> Entry:
    ci = None if low is None else Interval(low, high, "m", 50)
    number = high if low is None else (low + high) / 2
    return Entry(system, value(model=system, value=number, ci=ci, **changes), "scored here")


def test_the_committed_page_is_what_the_committed_files_make() -> None:
    made = leaderboard([*published_entries(), *read_entries(RESULTS / "board")])
    assert (RESULTS / "leaderboard.md").read_text(encoding="utf-8") == made, (
        "make it again: salmonn-eval leaderboard -o results/leaderboard.md"
    )


def test_overlapping_intervals_share_a_rank() -> None:
    entries = [entry("a", 1, 3), entry("b", 2, 5), entry("c", 4, 6), entry("d", 7, 8)]
    # c is wholly above a only; d is wholly above all three.
    assert ranks(entries) == [1, 1, 2, 4]
    turned = [("a", 7, 9), ("b", 5, 8), ("c", 4, 6), ("d", 2, 3)]
    assert ranks([entry(*ends, better="higher") for ends in turned]) == [1, 1, 2, 4]


def test_touching_intervals_are_not_told_apart() -> None:
    assert ranks([entry("a", 1, 3), entry("b", 3, 5)]) == [1, 1]


def test_a_number_without_an_interval_has_no_rank_but_is_a_rival() -> None:
    assert ranks([entry("paper", None, 2.1), entry("a", 8, 12), entry("b", 2, 3)]) == [None, 3, 1]


def test_synthetic_results_stand_on_a_board_of_their_own() -> None:
    mini = entry("nano", 1, 3, dataset="mini")
    real = entry("sphinx", 60, 70, dataset="mini-real")
    page = leaderboard([entry("big", 1, 3), mini, real])
    paper, rest = page.split("## mini-real (real recordings, embedded)")
    middle, last = rest.split("## mini (synthetic)")
    assert [("| big" in part, "sphinx" in part, "nano" in part) for part in (paper, middle, last)] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


def test_what_cannot_share_a_table_is_refused() -> None:
    with pytest.raises(UsageError, match="scored"):
        leaderboard([entry("a", 1, 3), entry("b", 1, 3, signature="wer|v:2")])
    with pytest.raises(UsageError, match="asked"):
        leaderboard([entry("a", 1, 3), entry("b", 1, 3, asked="other")])
    with pytest.raises(UsageError, match="a stands twice"):
        leaderboard([entry("a", 1, 3), entry("a", 1, 4)])
    with pytest.raises(UsageError, match="test set of no bundled task"):
        leaderboard([entry("a", 1, 3, dataset="elsewhere")])


def test_hostile_names_stay_text() -> None:
    page = leaderboard([entry("<script>alert(1)</script> | x `y`", 1, 3)])
    (row,) = (line for line in page.splitlines() if "script" in line)
    assert "<script" not in row.replace("\\<", "") and row.replace("\\|", "").count("|") == 7
