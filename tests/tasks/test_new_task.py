import json
from pathlib import Path

import pytest
import soundfile

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.checks import Known
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import select
from salmonn_eval.tasks.template import new_task
from salmonn_eval.tasks.validate import check_places


def test_a_new_task_validates_and_can_be_selected(tmp_path: Path, known: Known) -> None:
    definition, *_ = new_task("greeting", tmp_path / "mine")
    (task,), findings = check_places([definition], known)
    assert (task.spec.id, findings) == ("greeting", [])
    (found,) = select(discover([tmp_path / "mine"]), ["greeting"], "mini-real").selected
    assert found.dataset.path == "greeting.jsonl"


def test_its_manifest_lists_two_real_clips(tmp_path: Path) -> None:
    _, manifest, *clips = new_task("greeting", tmp_path)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [tmp_path / row["audio"] for row in rows] == clips
    for row, clip in zip(rows, clips, strict=True):
        assert soundfile.info(clip).duration == pytest.approx(row["duration_s"])
    assert rows[0]["references"] == ["YOU DON'T MEAN THAT YOU THOUGHT ME SO SILLY"]


def test_a_second_task_in_the_same_folder_shares_the_clips(tmp_path: Path, known: Known) -> None:
    new_task("one", tmp_path)
    new_task("two", tmp_path)
    tasks, findings = check_places([tmp_path], known)
    assert ([task.spec.id for task in tasks], findings) == (["one", "two"], [])


@pytest.mark.parametrize("name", ["greeting.yaml", "greeting.jsonl"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        new_task("greeting", tmp_path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize("task_id", ["Greeting", "a b", "../x", "level1", ""])
def test_an_id_that_cannot_be_used_is_refused(tmp_path: Path, task_id: str) -> None:
    with pytest.raises(UsageError):
        new_task(task_id, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match="cannot be written to"):
        new_task("greeting", tmp_path / "file")
