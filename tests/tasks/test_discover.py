import shutil
import sys
from pathlib import Path

import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.discover import TaskFile, discover, load_task


def install(site: Path, value: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real installed package, as far as the import system can tell."""
    (site / "acme_tasks.py").write_text(module)
    info = site / "acme_tasks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tasks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[salmonn_eval.tasks]\nacme = {value}\n")
    monkeypatch.delitem(sys.modules, "acme_tasks", raising=False)
    monkeypatch.syspath_prepend(str(site))


def test_bundled_tasks_come_by_level_then_the_extra_ones(data: Path) -> None:
    ids = [task.spec.id for task in discover().tasks]
    assert ids[:2] == ["aac", "asr"]
    assert ids[-4:] == ["aqa", "gr", "mqa", "sqa"]
    assert ids.index("sv") < ids.index("en2de") < ids.index("sac") < ids.index("story") < ids.index("aqa")


def test_a_folder_and_a_single_file_join_the_bundled_tasks(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "deep"
    folder.mkdir(parents=True)
    file = shutil.copyfile(data / "valid.yaml", folder / "task.yml")
    for place, root in [(tmp_path / "mine", tmp_path / "mine"), (file, folder)]:
        found = {task.spec.id: task for task in discover([place]).tasks}
        assert (found["broken"].file, found["broken"].root) == (str(file), str(root))
        assert len(found) == 20


def test_a_place_named_twice_counts_once(data: Path) -> None:
    assert len(discover([data / "valid.yaml", data / ".." / "tasks" / "valid.yaml"]).tasks) == 20


def test_two_tasks_of_one_id_are_refused_and_both_files_named(data: Path) -> None:
    with pytest.raises(UsageError, match=r"second\.yaml: the task id `broken` is taken by .*first\.yaml"):
        discover([data / "duplicate"])


def test_a_broken_definition_is_refused_with_file_and_line(data: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown_key\.yaml:6: unknown key `langage`"):
        discover([data / "broken" / "unknown_key.yaml"])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("id: broken", 'id: "../../evil"', 1), ("  real:", '  "../evil":', 14), ("id: broken", "id: level1", 1)],
)
def test_an_id_that_cannot_be_a_file_name_is_refused_with_file_and_line(
    data: Path, tmp_path: Path, old: str, new: str, line: int
) -> None:
    file = tmp_path / "task.yaml"
    text = (data / "valid.yaml").read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=rf"task\.yaml:{line}: .*(the id `|is the name of a group)"):
        load_task(TaskFile(file, tmp_path))


@pytest.mark.parametrize(("name", "sentence"), [("absent", "no such file or folder"), ("empty", "no task definition")])
def test_a_place_without_tasks_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=sentence):
        discover([tmp_path / name])


@pytest.mark.parametrize("value", ["acme_tasks:FOLDER", "acme_tasks:folder"])
def test_an_installed_package_brings_tasks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    shutil.copyfile(data / "valid.yaml", tmp_path / "task.yaml")
    module = "from pathlib import Path\nFOLDER = Path(__file__).parent\ndef folder():\n    return FOLDER\n"
    install(tmp_path, value, module, monkeypatch)
    assert "broken" in {task.spec.id for task in discover().tasks}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("acme_tasks:ABSENT", "cannot be loaded"),
        ("no_such_module:X", "cannot be loaded"),
        ("acme_tasks:N", "gives int"),
    ],
)
def test_an_installed_package_that_brings_no_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, sentence: str
) -> None:
    install(tmp_path, value, "N = 3\n", monkeypatch)
    with pytest.raises(UsageError, match=f"entry point `acme`.*{sentence}"):
        discover()
