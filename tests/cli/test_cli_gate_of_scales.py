"""The gate on the embedded model: its LoRA scale turned down is a change whose size is known from its card."""

from pathlib import Path

import pytest
from cli_runs import Program

from salmonn_eval.report.baseline import read_baseline

BASELINE = Path(__file__).resolve().parents[2] / "results" / "baselines" / "salmonn-nano.json"


@pytest.mark.slow
def test_captions_without_the_adapter_regress_and_three_changed_ones_are_inconclusive(program: Program) -> None:
    done = program("run", "--tasks", "aac,mc", "--lora-scale", "0,1,4", "--run-dir", "scales")
    assert done.returncode == 0, done.stderr
    made = program("check", "scales", "--baseline", "base.json", "--update", "--variant", "lora_scale=4")
    assert made.returncode == 0, made.stderr

    def held(scale: int, *more: str) -> tuple[int, str]:
        words = ("--baseline", "base.json", "--variant", f"lora_scale={scale}", "--against", "lora_scale=4", *more)
        answer = program("check", "scales", *words)
        return answer.returncode, " ".join(answer.stdout.split())

    code, text = held(0)
    assert code == 1
    assert "aac:mini meteor (scale 0) regress: worse by +" in text
    assert "mc:mini rouge_l (scale 0) regress" not in text
    code, text = held(1)
    assert code == 0
    assert "aac:mini meteor (scale 1) inconclusive" in text
    assert held(1, "--strict")[0] == 1
    assert held(4)[0] == 0


def test_the_committed_baseline_holds_every_set_of_the_levels_at_its_own_scale() -> None:
    baseline = read_baseline(BASELINE)
    assert (baseline.model, len(baseline.sets)) == ("salmonn-nano", 16)
    assert sum(len(entry.metrics) for entry in baseline.sets) == 22
    assert {len(entry.samples) for entry in baseline.sets} == {100}
    assert {entry.variant.lora_scale for entry in baseline.sets} == {4.0}
