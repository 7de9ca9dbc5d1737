"""Another tool's log becomes a finished run; what it does not tell is unknown."""

from pathlib import Path
from typing import Any

import pytest
from engine_runs import Row, write_rows

from salmonn_eval.data.logs.read import read_log
from salmonn_eval.engine.imports import Imported, import_log
from salmonn_eval.engine.plan import read_plan
from salmonn_eval.engine.run import Outcome
from salmonn_eval.engine.spec import MaxErrors, RunOptions
from salmonn_eval.errors import ExitCode, UsageError
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task

ROWS: list[Row] = [
    {"audio_filepath": "1.wav", "duration": 2.0, "text": "the cat sat", "pred_text": "the cat sat"},
    {"audio_filepath": "2.wav", "duration": 2.0, "text": "on the mat", "pred_text": "on a mat"},
    {"audio_filepath": "3.wav", "duration": 2.0, "text": "and slept long", "pred_text": ""},
]


def imported(log: Path, out: Path, dataset: str = "kitchen", **options: Any) -> Outcome:
    said = Imported(find_task(discover(), "asr"), dataset, "some/model", "en")
    return import_log(log, read_log(log, None), said, RunOptions(out, **options))


def test_a_log_becomes_a_scored_run_whose_making_is_unknown(tmp_path: Path) -> None:
    outcome = imported(write_rows(tmp_path / "log.jsonl", ROWS), tmp_path / "out")
    assert outcome.exit_code is ExitCode.OK
    plain = [value for value in outcome.values if value.metric == "wer" and "plain" in value.signature]
    found = next(value for value in plain if value.reading == "all")
    assert found.value == pytest.approx(100 * 4 / 9)
    assert (found.n_planned, found.n_scored, found.n_error) == (3, 3, 0)
    assert {(value.asked, value.system) for value in outcome.values} == {("unknown", "unknown")}
    assert {row.request.generation.max_new_tokens for row in read_plan(outcome.run)} == {0}
    state = outcome.run.read()
    assert (state.status, state.spec.card.fingerprint, state.spec.imported) == ("done", "unknown", True)
    assert state.provenance[0]["log"]["format"] == "nemo"


@pytest.mark.parametrize("dataset", ["../../elsewhere", "a/b", "", ".hidden"])
def test_a_dataset_id_cannot_name_another_place(tmp_path: Path, dataset: str) -> None:
    log = write_rows(tmp_path / "log.jsonl", ROWS)
    with pytest.raises(UsageError, match="--dataset"):
        imported(log, tmp_path / "out", dataset)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl"]


def test_a_folder_that_holds_a_run_is_not_imported_into(tmp_path: Path) -> None:
    log = write_rows(tmp_path / "log.jsonl", ROWS)
    outcome = imported(log, tmp_path / "out")
    with pytest.raises(UsageError, match="holds a run already"):
        imported(log, tmp_path / "out", run_dir=outcome.run.path)


def test_an_imported_run_counts_its_failures(tmp_path: Path) -> None:
    rows = [*ROWS, {"audio_filepath": "4.wav", "duration": 2.0, "text": "so it goes"}]
    log = write_rows(tmp_path / "log.jsonl", rows)
    outcome = imported(log, tmp_path / "out", max_errors=MaxErrors(count=1))
    assert outcome.exit_code is ExitCode.OK
    assert outcome.run.read().errors == 1
