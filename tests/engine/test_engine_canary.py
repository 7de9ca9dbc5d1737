"""A few samples as silence before a run: a warning where no answer changes, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salmonn_eval.api.evaluate import evaluate
from salmonn_eval.api.evaluation import Evaluation
from salmonn_eval.api.wrap import wrap
from salmonn_eval.engine.canary import SAMPLES, can_sing
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.waveform import Waveform

Respond = Callable[[str, tuple[Waveform, ...]], str]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path / "cache"))


def loudness(instruction: str, clips: tuple[Waveform, ...]) -> str:
    return f"loud {np.abs(clips[0].samples).max():.3f}"


def deaf(instruction: str, clips: tuple[Waveform, ...]) -> str:
    return "it is quiet"


def run_of(name: str, respond: Respond, folder: Path) -> RunDirectory:
    made = evaluate(wrap(name, respond, version="1"), "asr", suite="mini-real", limit=6, run_dir=folder / name)
    return RunDirectory(made.path)


def test_a_deaf_model_is_warned_of_in_events_and_in_run_json(tmp_path: Path) -> None:
    run = run_of("deaf", deaf, tmp_path)
    warning = Evaluation(run.path).warning
    assert warning == run.read().canary
    assert warning and f"in {SAMPLES} of {SAMPLES} samples" in warning and "`deaf` does not hear" in warning
    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert [event["message"] for event in events if event["kind"] == "warning"] == [warning]


def test_a_model_that_hears_passes_and_its_answers_are_only_those_planned(tmp_path: Path) -> None:
    asked: list[float] = []

    def respond(instruction: str, clips: tuple[Waveform, ...]) -> str:
        asked.append(float(np.abs(clips[0].samples).max()))
        return loudness(instruction, clips)

    run = run_of("hears", respond, tmp_path)
    assert run.read().canary is None
    assert len(asked) == 2 * SAMPLES + 6
    assert asked[: 2 * SAMPLES].count(0.0) == SAMPLES and 0.0 not in asked[2 * SAMPLES :]
    lines = run.predictions("asr.mini-real").read_bytes().splitlines()
    assert len(lines) == 6 and not any(b"~" in line for line in lines)


def test_a_model_that_fails_says_nothing_of_its_ears(tmp_path: Path) -> None:
    def fails(instruction: str, clips: tuple[Waveform, ...]) -> str:
        if not clips[0].samples.any():
            raise ValueError("too quiet")
        return "words"

    assert run_of("fails", fails, tmp_path).read().canary is None


def test_recorded_answers_are_not_asked() -> None:
    def card(capabilities: Capabilities) -> ModelCard:
        return ModelCard(name="m", backend="replay", fingerprint="f", capabilities=capabilities)

    assert can_sing(card(Capabilities())) and can_sing(card(Capabilities(decoding="own")))
    assert not can_sing(card(Capabilities(audio=False))) and not can_sing(card(Capabilities(decoding="unknown")))
