"""AudioBench's published SALMONN-7B outputs: the phone strings among them, held against labels.

The phone reader proposed the labels; every string that it proposed, and a hundred drawn from the rest, was then read
and confirmed. So they show that what it calls phones is phones; one that it overlooked would be found among the hundred
only.
"""

import json
from pathlib import Path

import pytest

from salmonn_eval.diagnose.everything import Diagnoses, diagnose
from salmonn_eval.diagnose.reading import read_run

LABELS = Path(__file__).resolve().parents[1] / "data" / "labels" / "audiobench_salmonn7b.jsonl"


@pytest.fixture(scope="module")
def found(published: Path) -> Diagnoses:
    return diagnose(published)


def test_precision_and_recall_against_confirmed_labels_are_one(published: Path) -> None:
    labels = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    answers = read_run(published).sets[0].answers
    called = {row for row, answer in enumerate(answers) if answer.performed == "phones"}
    phones = {label["index"] for label in labels if label["class"] == "phones"}
    others = {label["index"] for label in labels if label["class"] == "transcript"}
    assert (len(answers), len(phones), len(others)) == (2617, 50, 100)
    assert called & (phones | others) == phones
    assert len(called) == 50
    assert {answers[row].performed for row in others} == {"as asked"}


def test_their_share_of_the_errors_raw_and_capped(found: Diagnoses) -> None:
    (row,) = (row for row in found.error_share.rows if "plain" in row.signature and row.metric == "wer")
    (phones,) = (share for share in row.shares if share.performed == "phones")
    assert row.rate == pytest.approx(10.2709, abs=5e-5)
    assert phones.n == 50
    assert phones.rate_without == pytest.approx(3.00, abs=0.005)
    assert phones.share == pytest.approx(0.713, abs=5e-4)
    assert phones.share_capped == pytest.approx(0.404, abs=5e-4)
    assert phones.excess.value == pytest.approx(0.708, abs=5e-4)
    assert phones.excess_capped.value == pytest.approx(0.392, abs=1e-3)
    assert phones.excess.ci is not None and phones.excess.ci.low < 0.708 < phones.excess.ci.high


def test_intervals_of_the_row_hold_at_once_and_labels_are_not_testable(found: Diagnoses) -> None:
    (row,) = found.confusion.rows
    cells = {cell.performed: cell for cell in row.cells}
    assert sum(cell.n for cell in row.cells) == 2617
    assert cells["label"].share is None and "not testable" in str(cells["label"].why)
    following = found.following.rows[0].following
    as_asked = cells["as asked"]
    assert as_asked.share == pytest.approx(following.value or 0)
    assert as_asked.ci is not None and following.ci is not None
    assert as_asked.ci.high - as_asked.ci.low > following.ci.high - following.ci.low
