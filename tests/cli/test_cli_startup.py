"""What never needs torch never imports it, in any of its processes."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, write_rows

HEAVY = {"torch", "transformers", "peft", "datasets", "pandas", "matplotlib"}


def imported(stderr: str) -> set[str]:
    """Top-level packages of every `import time:` line, worker processes included."""
    lines = [line.rpartition("|")[2].strip() for line in stderr.splitlines() if line.startswith("import time:")]
    assert "salmonn_eval" in lines
    return {name.partition(".")[0] for name in lines}


def without_heavy(program: Program, *words: object) -> None:
    done = program(*words, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0, done.stderr[-500:]
    assert not imported(done.stderr) & HEAVY


@pytest.mark.parametrize("words", [["--help"], ["list"], ["show", "asr"]], ids=" ".join)
def test_help_list_and_show(program: Program, words: list[str]) -> None:
    without_heavy(program, *words)


@pytest.mark.parametrize("words", [["show"], ["table"], ["diagnose", "--no-plots"]], ids=" ".join)
def test_what_reads_a_finished_run(finished: Any, words: list[str]) -> None:
    without_heavy(finished.program, *words, finished.folder)


@pytest.mark.parametrize("command", ["diagnose", "report"])
def test_plots_are_drawn_without_torch(finished: Any, command: str) -> None:
    done = finished.program(command, finished.folder, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0, done.stderr[-500:]
    assert imported(done.stderr) & HEAVY == {"matplotlib"}


def test_scoring_again_which_leaves_the_same_results(finished: Any) -> None:
    before = (finished.folder / "results.json").read_bytes()
    without_heavy(finished.program, "score", finished.folder, "--metric", "cer", "--json")
    assert (finished.folder / "results.json").read_bytes() == before


def test_a_whole_run_of_recorded_answers(finished: Any) -> None:
    assert not imported(finished.done.stderr) & HEAVY


def test_import(program: Program) -> None:
    rows = [{"audio_filepath": "1.wav", "duration": 2.0, "text": "the cat", "pred_text": "a cat"}]
    log = write_rows(program.folder / "log.jsonl", rows)
    without_heavy(program, "import", log, "--task", "asr", "--model", "m", "--dataset", "d")


def test_validate_reads_every_embedded_set(program: Program) -> None:
    done = program("validate", "--json", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0, done.stdout[-2000:]
    assert not imported(done.stderr) & HEAVY
    assert json.loads(done.stdout)["datasets_checked"] >= 3


@pytest.mark.slow
def test_the_wheel_and_the_tree_bundle_the_same_files(tmp_path: Path) -> None:
    import subprocess
    import sys
    import zipfile

    pytest.importorskip("hatchling", reason="needs hatchling to build the wheel without a network")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    prefix = "salmonn_eval/bundled/"
    inside = {name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    folders = ("tasks", "model", "results/published")
    tree = {
        path.relative_to(root).as_posix() for name in folders for path in (root / name).rglob("*") if path.is_file()
    }
    assert inside == {name for name in tree if "__pycache__" not in name}
    assert "tasks/level1/asr.yaml" in inside
