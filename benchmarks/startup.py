"""How long the commands take that need no model: `--help`, `list`, `show`; `import` and `score` of 2,620 answers.

python benchmarks/startup.py [--runs 7]
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from measure import median, report, run, salmonn_eval


def main() -> None:
    """Time each command several times and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        log, target = Path(scratch, "log.jsonl"), Path(scratch, "run")
        _write_log(log)
        imported = ("import", str(log), "--task", "asr", "--model", "m", "--dataset", "d", "--language", "en")
        commands = {
            "--help": ["--help"],
            "list": ["list"],
            "show asr": ["show", "asr"],
            "import": [*imported, "--out", scratch],
            "score": ["score", str(target)],
        }
        run(salmonn_eval(*imported, "--run-dir", str(target)))
        for name, words in commands.items():
            measured = [run(salmonn_eval(*words)) for _ in range(asked.runs)]
            rows.append({"command": name, "seconds": median(measured, "seconds"), "MB": median(measured, "peak_mb")})
    report("startup", rows, asked.keep)


def _write_log(path: Path) -> None:
    """A NeMo-style log of the size of LibriSpeech test-clean, with one word in twenty wrong."""
    draw = random.Random(0)
    words = ["the", "house", "of", "plain", "history", "cabin", "stern", "officers", "mess", "well", "and", "now"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(2620):
            said = [draw.choice(words) for _ in range(20)]
            heard = [draw.choice(words) if draw.random() < 0.05 else word for word in said]
            row = {"audio_filepath": f"{number}.flac", "text": " ".join(said), "pred_text": " ".join(heard)}
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
