"""`sweep`: run with a variant axis, refused where there is nothing to sweep, and resumable."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, last_sentence, run_folder

NANO = ["--suite", "mini", "--model", "salmonn-nano-stage2"]


def test_a_model_without_an_adapter_is_refused_at_once(typed: Callable[..., Any], tmp_path: Path) -> None:
    done = typed("sweep", "--tasks", "asr", "--model", "pocketsphinx")
    assert done.code == 2
    assert "has no adapter" in done.err and "can still be diagnosed" in done.err
    assert not list(tmp_path.glob("results/runs/*"))


def test_five_scales_up_to_the_adapter_s_own_are_the_default(typed: Callable[..., Any]) -> None:
    done = typed("sweep", "--tasks", "sf", *NANO, "--limit", "2", "--dry-run")
    assert done.code == 0, done.err
    assert "10 requests in 5 variants" in done.out


def test_scales_without_the_adapter_s_own_are_remarked_on(typed: Callable[..., Any]) -> None:
    done = typed("sweep", "--tasks", "sf", *NANO, "--limit", "2", "--lora-scales", "0,2", "--dry-run")
    assert "4 requests in 2 variants" in done.out
    assert "no over-fitting index without it" in done.err


@pytest.mark.slow
def test_an_adapter_that_does_nothing_leaves_no_run_behind(program: Program) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import nano_without_lora as n;"
    script += "n.write(Path('zero'))"
    import subprocess
    import sys

    here = Path(__file__).resolve().parents[1] / "probes"
    subprocess.run([sys.executable, "-c", script, here], cwd=program.folder, env=program.environment, check=True)
    done = program("sweep", "--tasks", "sf", *NANO, "--limit", 2, "--model-arg", "folder=zero", "--out", "runs")
    assert done.returncode == 4
    assert "does not act" in last_sentence(done)
    assert not (program.folder / "runs").exists()


@pytest.mark.slow
def test_a_sweep_killed_with_9_goes_on_to_the_same_bytes(program: Program) -> None:
    words = ["sweep", "--tasks", "sf,story", *NANO, "--limit", 12, "--lora-scales", "0,2,4"]
    whole = program(*words, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    for answers in (5, 30):
        process = program.start(*words, "--out", "killed")
        while process.poll() is None and _answers(program.folder / "killed") < answers:
            time.sleep(0.02)
        assert process.poll() is None, "it was to be killed on its way"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = program(*words, "--out", "killed")
    assert done.returncode == 0, done.stderr
    one, other = (program.folder / run_folder(ended) for ended in (whole, done))
    assert len(list((program.folder / "killed").iterdir())) == 1
    for file in ("results.json", *(f"scores/{path.name}" for path in (one / "scores").iterdir())):
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    scales = {row["variant"]["lora_scale"] for row in json.loads((one / "results.json").read_text())["results"]}
    assert scales == {0.0, 2.0, 4.0}


def _answers(out: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in out.glob("*/predictions/*.jsonl"))
