"""A stage as its users run it: learning, resuming, being killed, in two processes, with broken files."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.salmonn import folder
from salmonn_eval.training.record import Told, read_curve
from salmonn_eval.training.stages import run_stage

LAST = "last/model.safetensors"


def train(file: Path, out: Path, *, until: int | None = None) -> list[Told]:
    """Train, stopping after step `until`; what the steps told."""
    told: list[Told] = []
    run_stage(
        file,
        "instruct",
        out,
        note=told.append,
        stop=lambda: until is not None and bool(told) and told[-1].step >= until,
        validate=lambda loaded, config: None,
    )
    return told


def command(file: Path, out: Path, *words: str) -> list[str]:
    """The command line of the same stage."""
    return [sys.executable, "-m", "salmonn_eval", "train", "instruct", "--config", str(file), "--out", str(out), *words]


def same_weights(one: Path, other: Path) -> bool:
    """Whether two folders hold the same network, bit by bit."""
    ours, theirs = load_file(one), load_file(other)
    return set(ours) == set(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_it_learns_and_leaves_a_network_that_loads(training_file: Path, network_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = train(training_file, out)
    assert [step.step for step in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].loss < told[0].loss
    before, after = load_file(network_folder / "model.safetensors"), load_file(out / LAST)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(".lora_B." in name for name in changed)
    assert any("qformer" in name for name in changed)
    assert not any(name.startswith("hearing.whisper.") or "base_layer" in name for name in changed)
    assert folder.load(out / "last").network.config.lora is not None
    with (out / "loss.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6
    assert (out / "loss.svg").exists() and (out / "loss.png").exists()
    record = json.loads((out / "train.json").read_text())
    assert record["data"]["lists"][0]["examples"] == 4
    assert record["config"]["optimiser"]["peak_lr"] == 0.01
    assert record["learning"]["lora"] > 0


def test_stopped_and_continued_it_is_the_same(training_file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(training_file, whole)
    train(training_file, parts, until=3)
    assert len(read_curve(parts)) == 3
    assert [step.step for step in train(training_file, parts)] == [4, 5, 6]
    assert same_weights(whole / LAST, parts / LAST)
    assert read_curve(whole) == read_curve(parts)


@pytest.mark.slow
def test_killed_it_goes_on_from_its_last_checkpoint(training_file: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(training_file, whole)
    process = subprocess.Popen(command(training_file, killed), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (killed / "last").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run(command(training_file, killed), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert same_weights(whole / LAST, killed / LAST)
    assert read_curve(whole) == read_curve(killed)


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on(training_file: Path, tmp_path: Path) -> None:
    training_file.write_text(training_file.read_text().replace("steps: 6", "steps: 4000"))
    out = tmp_path / "out"
    process = subprocess.Popen(command(training_file, out), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (out / "last").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert f"to go on: salmonn-eval train instruct --config {training_file} --out {out}" in said


@pytest.mark.slow
def test_two_processes_step_like_one_with_twice_the_parts(training_file: Path, tmp_path: Path) -> None:
    """Two processes of one part each see the examples of one process with two parts, and learn the same from them."""
    one, two = tmp_path / "one", tmp_path / "two"
    text = training_file.read_text().replace("steps: 6", "steps: 3")
    training_file.write_text(text.replace("batch_size: 2", "batch_size: 1\naccumulate: 2"))
    train(training_file, one)
    training_file.write_text(text.replace("batch_size: 2", "batch_size: 1"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    words = [*launch, *command(training_file, two)[2:]]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("step 3/3") == 1  # one of them talks
    ours, theirs = load_file(one / LAST), load_file(two / LAST)
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=2e-4, rtol=1e-3, msg=name)


def test_dry_run_says_what_is_there(training_file: Path, tmp_path: Path) -> None:
    training_file.write_text(
        training_file.read_text().replace(
            "task: asr}", "task: asr}\n  - {annotation: away.json, note: from the release}"
        )
    )
    done = subprocess.run(
        command(training_file, tmp_path / "out", "--dry-run"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "train.jsonl: 4 examples, 0 without audio, 0 left out" in done.stdout
    assert re.search(r"missing: .*away.json: no such file.*\(from the release\)", done.stdout)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stage: instruct", "stage: pretrain", "stage.yaml:1: is a file for `train pretrain`"),
        ("steps: 6", "stepz: 6", "unknown key `stepz`"),
        ("task: asr", "text: asr", "unknown key `text`"),
        ("manifest: train.jsonl, task: asr", "manifest: train.jsonl", "and its `task`"),
        ("seed: 3", "activation: {}", "for no other stage"),
        ("batch_size: 2", "batch_size: 0", "`batch_size`"),
        ("task: asr}", "task: sr}", "asks for the task `sr`"),
    ],
)
def test_a_broken_file_is_told(training_file: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    text = training_file.read_text()
    assert old in text
    training_file.write_text(text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        train(training_file, tmp_path / "out")
    assert said in str(caught.value)


def test_missing_audio_is_told(training_file: Path, tmp_path: Path) -> None:
    manifest = training_file.parent / "train.jsonl"
    manifest.write_text(manifest.read_text().replace(".flac", ".wav"))
    with pytest.raises(PrerequisiteError, match="4 without audio on disk"):
        train(training_file, tmp_path / "out")


def test_a_network_without_adapter_cannot_train_one(training_file: Path, tmp_path: Path, network_folder: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in network_folder.iterdir():
        (bare / path.name).write_bytes(path.read_bytes())
    config = json.loads((bare / "config.json").read_text())
    config["network"]["lora"] = None
    (bare / "config.json").write_text(json.dumps(config))
    training_file.write_text(training_file.read_text().replace(str(network_folder), str(bare)))
    with pytest.raises(PrerequisiteError):
        train(training_file, tmp_path / "out")
