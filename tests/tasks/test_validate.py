"""Each broken fixture marks its faulty lines itself: `# fault: part of the message`."""

import re
from pathlib import Path

import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.checks import Known
from salmonn_eval.tasks.validate import check_places

FIXTURES = sorted((Path(__file__).resolve().parents[1] / "data" / "tasks" / "broken").glob("*.yaml"))
MARK = re.compile(r"# fault: (.*)$")


def marked(file: Path) -> list[tuple[int, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [(number, mark[1]) for number, line in enumerate(lines, start=1) if (mark := MARK.search(line))]


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_a_broken_definition_fails_at_its_line_and_nowhere_else(file: Path, known: Known) -> None:
    _, findings = check_places([file], known)
    expected = marked(file)
    assert expected
    assert [(finding.file, finding.line) for finding in findings] == [(str(file), line) for line, _ in expected]
    for finding, (_, part) in zip(findings, expected, strict=True):
        assert part in finding.message
        assert finding.level == "error"
        assert "\n" not in finding.message


def test_a_sound_definition_has_no_findings(data: Path, known: Known) -> None:
    tasks, findings = check_places([data / "valid.yaml"], known)
    assert ([task.spec.id for task in tasks], findings) == (["broken"], [])


def test_a_shared_id_is_told_at_the_second_file_and_names_the_first(data: Path, known: Known) -> None:
    _, (finding,) = check_places([data / "duplicate"], known)
    second = data / "duplicate" / "second.yaml"
    assert (finding.file, finding.line) == (str(second), marked(second)[0][0])
    assert "first.yaml" in finding.message


def test_all_broken_files_of_a_folder_are_told_in_one_go(known: Known) -> None:
    _, findings = check_places([FIXTURES[0].parent], known)
    assert {Path(finding.file) for finding in findings} == set(FIXTURES)


def test_a_metric_that_is_known_but_not_available_is_a_note(data: Path, tmp_path: Path, known: Known) -> None:
    file = tmp_path / "task.yaml"
    file.write_text((data / "valid.yaml").read_text().replace("{name: following_rate}", "{name: meteor}"))
    _, (finding,) = check_places([file], known)
    assert (finding.level, finding.line) == ("note", 10)
    assert finding.message == known.metrics["meteor"]


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path, known: Known) -> None:
    file = tmp_path / "task.yaml"
    file.write_bytes(b"id: broken\ntitle: \xff\n")
    _, (finding,) = check_places([file], known)
    assert (finding.file, finding.line) == (str(file), 2)
    assert str(finding).startswith(f"{file}:2: ")


def test_a_place_that_is_not_there_is_a_usage_error(tmp_path: Path, known: Known) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        check_places([tmp_path / "absent"], known)
