"""Reading results back from a run folder or a file."""

from pathlib import Path

import pytest
from report_values import one_run, value

from salmonn_eval.engine.results import SCHEMA
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import write_json
from salmonn_eval.report.load import joined, results


def written(folder: Path, values: object, schema: object = SCHEMA) -> Path:
    write_json(folder / "results.json", {"schema": schema, "results": values})
    return folder


def test_values_survive_the_file(tmp_path: Path) -> None:
    run = written(tmp_path / "run", one_run())
    assert results(run) == one_run()
    assert results(run / "results.json") == one_run()


def test_two_runs_of_one_model_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    first, second = (written(tmp_path / name, [value()]) for name in ("monday", "tuesday"))
    other = written(tmp_path / "other", [value(model="whisper")])
    assert [v.model for v in joined([first, second, other])] == [
        "salmonn-7b (monday)",
        "salmonn-7b (tuesday)",
        "whisper",
    ]
    assert [v.model for v in joined([first])] == ["salmonn-7b"]


@pytest.mark.parametrize("schema", [2, 0, None, "1", True])
def test_schema_of_another_version_is_refused(tmp_path: Path, schema: object) -> None:
    with pytest.raises(UsageError, match=f"'schema' is {schema!r}, expected a number from 1 to 1"):
        results(written(tmp_path, [], schema))


def test_broken_value_is_named_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"results\.json: not a valid results file: .*\$\.results\[0\]"):
        results(written(tmp_path, [{"model": "a"}]))


def test_unfinished_run_and_absent_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the run is not finished, or the folder is no run"):
        results(tmp_path)
    with pytest.raises(UsageError, match=r"absent\.json: no such file"):
        results(tmp_path / "absent.json")
    (tmp_path / "results.json").write_bytes(b'{"schema": 1, \xff')
    with pytest.raises(UsageError, match="not a valid results file"):
        results(tmp_path)
