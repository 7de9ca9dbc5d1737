"""The program as people run it: subprocesses of `python -m salmonn_eval`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from salmonn_eval.bundled import bundled

HERE = Path(__file__).resolve().parent
MINI_REAL = bundled("tasks") / "mini-real"
Row = dict[str, Any]

CARD = """\
name: {name}
backend: {backend}
description: "For one test."
audio: {{max_s: 30, long_audio: truncate, channels: mean}}
arguments:
  rounds: {{help: "work per answer", default: 1}}
"""
TASK = """\
id: mine
level: 1
title: For one test
instruction: "Write what is said."
language: en
generation: {max_new_tokens: 40}
metrics:
  - {name: wer, headline: true, settings: {normalizer: plain}}
  - {name: following_rate}
following: {rule: words}
item_score: one_minus_error
datasets:
  set: {suite: mini-real, source: manifest, path: mine.jsonl, cluster: speaker}
version: 1
"""


class Program:
    """Runs the command line in a folder of its own, with a cache of its own and the plug-in backends installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        metadata = folder / "site" / "cli_plugin-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: cli-plugin\nVersion: 1.0\n")
        points = "listener = cli_plugin:LISTENER\nbuggy = cli_plugin:BUGGY\n"
        (metadata / "entry_points.txt").write_text(f"[salmonn_eval.backends]\n{points}")
        cards = folder / "cards"
        cards.mkdir()
        for name in ("listener", "buggy"):
            (cards / f"{name}.yaml").write_text(CARD.format(name=name, backend=name))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SALMONN_EVAL_")}
        self.environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(folder / "site"), str(HERE.parents[1])]),
            "SALMONN_EVAL_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "140",
        }

    def start(self, *words: object, **more: Any) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": self.folder}
        environment = {**self.environment, **more.pop("env", {})}
        command = [sys.executable, "-m", "salmonn_eval", *map(str, words)]
        return subprocess.Popen(command, env=environment, **pipes, **more)

    def __call__(self, *words: object, **more: Any) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words, **more)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def listener(self, *words: object) -> list[object]:
        """Words that choose the plug-in model."""
        return ["--model-path", self.folder / "cards", "--model", "listener", *words]

    def replay(self, rows: Iterable[Row], name: str = "answers.jsonl") -> list[object]:
        """Words that choose the replay model over these rows."""
        return ["--model", "replay", "--model-arg", f"answers={write_rows(self.folder / name, rows)}"]

    def task(self, rows: Sequence[Row]) -> list[object]:
        """Words that choose a task over a manifest of these rows."""
        folder = self.folder / "tasks"
        write_rows(folder / "mine.jsonl", rows)
        (folder / "mine.yaml").write_text(TASK)
        return ["--task-path", folder, "--tasks", "mine"]


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def mini_real(task: str = "asr") -> list[Row]:
    return [json.loads(line) for line in (MINI_REAL / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()]


def right_answers() -> list[Row]:
    return [{"id": row["id"], "prediction": row["references"][0]} for row in mini_real()]


def run_folder(done: "subprocess.CompletedProcess[str]") -> Path:
    """The run directory that a command's output names."""
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("run: "))
    return Path(line.removeprefix("run: "))


def last_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence a failed command ends with."""
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith(("error: ", "internal error: "))]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    return lines[0]
