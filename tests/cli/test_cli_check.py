"""`check` and `compare` as people type them, and the action's own script."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from cli_runs import Program, right_answers, write_rows

ROOT = Path(__file__).resolve().parents[2]


class Runs:
    """A run of right answers, one in which every third lacks its last word, and the first as a baseline."""

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder)
        answers = right_answers()
        for number, row in enumerate(answers):
            row["prediction"] = row["prediction"].rpartition(" ")[0] if number % 3 == 0 else row["prediction"]
        self.gold, self.worse, self.baseline = folder / "gold", folder / "worse", folder / "base.json"
        for path, rows in ((self.gold, right_answers()), (self.worse, answers)):
            done = self.program("run", *self.words(rows, path.name), "--run-dir", path)
            assert done.returncode == 0, done.stderr
        made = self.program("check", self.gold, "--baseline", self.baseline, "--update")
        assert (made.returncode, made.stdout.split(": ")[1].strip()) == (0, "1 metrics of 1 test sets of replay")

    def words(self, rows: list[dict[str, object]], name: str) -> list[object]:
        return ["--tasks", "asr", "--suite", "mini-real", *self.program.replay(rows, f"{name}.jsonl")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("gate"))


Typed = Callable[..., tuple[int, str, str]]


def test_the_exit_code_is_the_verdict(runs: Runs, typed: Typed) -> None:
    assert typed("check", runs.gold, "--baseline", runs.baseline, "--strict")[0] == 0
    code, out, _ = typed("check", runs.worse, "--baseline", runs.baseline)
    assert (code, out.splitlines()[-1]) == (1, "replay: regress (1 regress)")
    loose = runs.baseline.with_name("loose.json")
    loose.write_text(runs.baseline.read_text().replace('"tolerances": {}', '"tolerances": {"wer": 2.4}'))
    code, out, _ = typed("check", runs.worse, "--baseline", loose)
    assert (code, out.splitlines()[-1]) == (0, "replay: inconclusive (1 inconclusive)")
    assert typed("check", runs.worse, "--baseline", loose, "--strict")[0] == 1


def test_what_cannot_be_compared_ends_with_2(runs: Runs, typed: Typed) -> None:
    for words in (
        ("check", runs.gold, "--baseline", "nowhere.json"),
        ("check", runs.gold, "--baseline", runs.baseline, "--variant", "lora_scale=1"),
        ("check", runs.gold, "--baseline", runs.baseline, "--update", "--against", "lora_scale=1"),
        ("compare", runs.gold),
        ("compare", runs.gold, runs.worse, "--variant", "lora_scale=1", "--against", "lora_scale=4"),
    ):
        code, _, err = typed(*words)
        assert (code, err.count("\n")) == (2, 1), err


def test_compare_prints_and_tells_programs(runs: Runs, typed: Typed) -> None:
    code, out, _ = typed("compare", runs.worse, runs.gold, "--flips", "1")
    assert code == 0 and "asr:mini-real wer: 0 better, 26 worse" in out
    assert typed("compare", runs.worse, runs.gold, "--markdown").out.count("answer of A") == 1
    assert '"worse": 26' in typed("compare", runs.worse, runs.gold, "--json").out


def test_annotations_come_where_github_runs_the_job(runs: Runs, typed: Typed) -> None:
    words = ("check", runs.worse, "--baseline", runs.baseline)
    assert "::error title=" in typed(*words, GITHUB_ACTIONS="true").out
    assert "::" not in typed(*words, "--no-annotations", GITHUB_ACTIONS="true").out
    assert "::" not in typed(*words, GITHUB_ACTIONS="").out


def test_the_action_s_script_runs_checks_and_leaves_its_reports(runs: Runs, tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    answers = write_rows(tmp_path / "with space.jsonl", right_answers())
    given = {
        "run": f"--tasks asr --suite mini-real --model replay --model-arg 'answers={answers}'",
        "baseline": str(runs.baseline),
        "run-dir": "the run",
    }
    inputs = {name: given.get(name, entry.get("default")) for name, entry in action["inputs"].items()}
    assert None not in inputs.values()
    program = tmp_path / "bin" / "salmonn-eval"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m salmonn_eval "$@"\n')
    program.chmod(0o755)
    environment = {
        **runs.program.environment,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    for step in action["runs"]["steps"]:
        if step.get("name") in ("Run", "Check"):
            asked = {name: text.split("inputs.")[1].split(" ")[0] for name, text in step["env"].items()}
            more = {name: inputs[field] for name, field in asked.items()}
            script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            subprocess.run(script, env={**environment, **more}, cwd=tmp_path, check=True)
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### ✅ replay: pass")
    assert ElementTree.parse(tmp_path / "salmonn-eval.xml").getroot().get("failures") == "0"


def test_the_leaderboard_is_written_and_wants_results(runs: Runs, typed: Typed, tmp_path: Path) -> None:
    board, page = tmp_path / "board", tmp_path / "page.md"
    code, _, err = typed("leaderboard", "--board", board)
    assert code == 2 and "no such folder" in err
    board.mkdir()
    (board / "right.json").write_bytes((runs.gold / "results.json").read_bytes())
    assert typed("leaderboard", "--board", board, "--no-published", "-o", page).out == f"{page}: 1 systems\n"
    assert "| 1" not in page.read_text(encoding="utf-8").split("## mini-real")[0]
    assert "replay" in page.read_text(encoding="utf-8")


def test_tables_for_papers_are_printed(runs: Runs, typed: Typed) -> None:
    assert r"\toprule" in typed("table", runs.gold, runs.worse, "-f", "latex").out
    assert typed("table", runs.gold, "-f", "docx").code == 2
    assert typed("table", runs.gold, "--mixed").code == 2
    code, _, err = typed("table", runs.gold, "--like", "paper")
    assert code == 2 and "embedded suite mini-real" in err
