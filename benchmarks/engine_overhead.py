"""What the engine itself costs: 100,000 synthetic samples through the replay model, answers and store, and the scoring.

python benchmarks/engine_overhead.py [--samples 100000]
"""

import argparse
import json
import tempfile
from pathlib import Path

from measure import report, run, salmonn_eval

DEFINITION = """\
id: echo
level: 1
extra: true
title: Synthetic answers
instruction: "Say the number."
language: en
generation: {max_new_tokens: 20}
metrics:
  - {name: wer, headline: true, settings: {normalizer: plain}}
following: {rule: answer}
item_score: one_minus_error
datasets:
  numbers: {suite: mini, source: manifest, path: numbers.jsonl, cluster: item}
version: 1
"""


def main() -> None:
    """Time predict and score, and print samples a second and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write(folder, asked.samples)
        target = str(folder / "run")
        model = ["--model", "replay", "--model-arg", f"answers={folder / 'answers.jsonl'}"]
        predict = ["predict", "--tasks", "echo", "--suite", "mini", "--task-path", str(folder / "echo.yaml"), *model]
        answered = run(salmonn_eval(*predict, "--run-dir", target))
        answering = sum(part["seconds"] for part in json.loads(Path(target, "run.json").read_text())["speed"].values())
        scored = run(salmonn_eval("score", target))
    rows = [
        {"step": "predict + store", "samples/s": asked.samples / answering, "seconds": answering, "MB": ""},
        {"step": "whole predict command (plan included)"}
        | {"samples/s": asked.samples / answered["seconds"], "seconds": answered["seconds"], "MB": answered["peak_mb"]},
        {"step": "whole score command"}
        | {"samples/s": asked.samples / scored["seconds"], "seconds": scored["seconds"], "MB": scored["peak_mb"]},
    ]
    report("engine_overhead", rows, asked.keep)


def _write(folder: Path, count: int) -> None:
    (folder / "echo.yaml").write_text(DEFINITION, encoding="utf-8")
    with (folder / "numbers.jsonl").open("w") as manifest, (folder / "answers.jsonl").open("w") as answers:
        for number in range(count):
            text = f"sample number {number} says {number % 97}"
            manifest.write(json.dumps({"id": f"s{number}", "references": [text]}) + "\n")
            answers.write(json.dumps({"sample_id": f"s{number}", "prediction": text}) + "\n")


if __name__ == "__main__":
    main()
