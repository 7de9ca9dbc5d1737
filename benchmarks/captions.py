"""How fast captions are scored: METEOR, CIDEr-D and ROUGE-L beside the Java programs' own time, and SPICE if asked.

python benchmarks/captions.py [--clips 975] [--spice]
"""

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import report

from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Answer, ScorerContext
from salmonn_eval.scorers.captions.java import coco_folder, java
from salmonn_eval.scorers.captions.ptb import PUNCTUATION
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.shared import Shared

SUBJECTS = "a man|a woman|two dogs|a small child|a crowd|an engine|several birds|heavy rain|a train|a cat".split("|")
VERBS = "talks|is barking|laughs loudly|hums|chirp|falls|passes by|speaks quietly|rings|crackles".split("|")
PLACES = "in the background|on a metal roof|near a busy road|while music plays|in a hall|and then stops".split("|")


def main() -> None:
    """Time our scorers and the bare programs on the same captions, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=975)
    parser.add_argument("--spice", action="store_true")
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    answers = _answers(asked.clips)
    rows = [_row("METEOR + CIDEr-D + ROUGE-L, ours", lambda: _score(("meteor", "cider", "rouge_l"), answers))]
    rows.append(_row("PTB tokenizer + METEOR, the bare programs", lambda: _bare(answers)))
    if asked.spice:
        rows.append(_row("SPICE, ours", lambda: _score(("spice",), answers)))
    report("captions", rows, asked.keep)


def _row(what: str, work: Callable[[], dict[str, float]]) -> dict[str, Any]:
    start = time.perf_counter()
    values = work()
    told = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
    return {"what": what, "seconds": time.perf_counter() - start, "points": told}


def _score(metrics: Sequence[str], answers: list[Answer]) -> dict[str, float]:
    values: dict[str, float] = {}
    with Shared() as shared:
        for metric in metrics:
            scorer = build(metric, {}, ScorerContext("aac", "en", shared=shared))
            if scorer.needs_corpus:
                scorer.prepare(sample for sample, _, _ in answers)
            stats = np.array([measure.stats for measure in scorer.measure(answers)])
            values[metric] = float(scorer.combine(stats, np.ones(len(stats))))
    return values


def _bare(answers: list[Answer]) -> dict[str, float]:
    """Both programs reading files, each started once, with nothing of ours around them."""
    step = 1 + len(answers[0][0].references)
    with tempfile.TemporaryDirectory() as folder:
        raw, answer, references = (Path(folder, name) for name in ("raw", "answer", "references"))
        texts = [text for sample, _, prediction in answers for text in (prediction.text or "", *sample.references)]
        raw.write_text("".join(f"{text}\n" for text in texts), "utf-8")
        jar = coco_folder() / "tokenizer" / "stanford-corenlp-3.4.1.jar"
        tokens = _run("-cp", jar, "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", raw)
        lines = [" ".join(word for word in line.split() if word not in PUNCTUATION) for line in tokens.splitlines()]
        answer.write_text("".join(f"{line}\n" for line in lines[::step]), "utf-8")
        references.write_text("".join(f"{line}\n" for number, line in enumerate(lines) if number % step), "utf-8")
        jar = coco_folder() / "meteor" / "meteor-1.5.jar"
        told = _run("-jar", jar, answer, references, "-l", "en", "-norm", "-r", step - 1)
    return {"meteor": 100 * float(told.rsplit("Final score:", 1)[1].split()[0])}


def _run(*words: object) -> str:
    command = [java(), "-Xmx1G", "-XX:+UseSerialGC", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _answers(clips: int) -> list[Answer]:
    """Captions of a few phrases with five references each, some of them the same as the answer."""
    draw = random.Random(0)
    request = Request("k", "aac", "d", "s", "", (), Generation(200), Variant())

    def caption() -> str:
        return f"{draw.choice(SUBJECTS)} {draw.choice(VERBS)} {draw.choice(PLACES)}"

    return [
        (
            Sample(f"s{number}", references=tuple(caption() for _ in range(5))),
            request,
            Prediction("k", caption(), "eos"),
        )
        for number in range(clips)
    ]


if __name__ == "__main__":
    main()
