"""The chain from nothing to a model that answers, at the tiny scale."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import salmonn_eval
from salmonn_eval.nano.chain import STEPS

ENGINES = all(shutil.which(name) for name in ("espeak-ng", "flite"))


def nano(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`salmonn-eval train nano` at the tiny scale."""
    command = [sys.executable, "-m", "salmonn_eval", "train", "nano", "--scale", "tiny", "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(not ENGINES, reason="espeak-ng and flite are not installed")
def test_the_whole_chain(tmp_path: Path) -> None:
    out = tmp_path / "nano"
    first = nano(out, "--until", "language", "--workers", "1")
    assert first.returncode == 0, first.stderr
    assert not (out / "encoders.json").exists()
    rest = nano(out)
    assert rest.returncode == 0, rest.stderr
    assert "language: done before" in rest.stderr
    found = {name: json.loads((out / f"{name}.json").read_text())["found"] for name in STEPS}
    assert found["world"]["skeletons"] >= 250
    assert set(found["language"]["gate"]["held_out"]) >= {"asr", "en2zh", "story"}
    assert found["encoders"]["speech"]["wer speech"] > 0
    assert found["encoders"]["audio"]["tempo"] is not None
    assert found["stage3"]["control"]["steps"] == found["stage3"]["stage3"]["steps"] > 0
    whole = out / "salmonn-nano"
    assert (whole / "model.safetensors").stat().st_size < 20e6
    for adapter in ({}, {"adapter": whole / "activated"}, {"adapter": whole / "control"}):
        run = salmonn_eval.evaluate(
            "salmonn-7b",
            "asr",
            suite="mini",
            limit=2,
            model_arguments={"folder": whole, **adapter},
            generation={"num_beams": 1, "max_new_tokens": 4},
            run_dir=tmp_path / f"run-{len(adapter)}-{adapter.get('adapter', whole).name}",
        )
        assert [answer.prediction.error for answer in run.answers()] == [None, None]


def test_an_unknown_scale_or_step_is_told(tmp_path: Path) -> None:
    done = nano(tmp_path / "nano", "--until", "stage9")
    assert (done.returncode, "expected one of world, speech" in done.stderr) == (2, True)
    assert not (tmp_path / "nano").exists()
