"""Answers of one checkpoint at batch sizes 1, 4, 32 in float32, and 32 in bfloat16: how many differ from batch 1.

python benchmarks/nano_equality.py [--model salmonn-nano] [--tasks all] [--limit 25]
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from measure import report, run, salmonn_eval

from salmonn_eval.engine.plan import read_plan
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.store import AnswerIndex

WAYS = (("float32", 1), ("float32", 4), ("float32", 32), ("bfloat16", 32))
Texts = dict[tuple[str, str], str | None]


def main() -> None:
    """Ask, count, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="salmonn-nano")
    parser.add_argument("--tasks", default="all")
    parser.add_argument("--limit", type=int, default=25)
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = [_answers(asked, *way, Path(folder)) for way in WAYS]
    report("nano_equality", [_row(way, given, texts[0]) for way, given in zip(WAYS, texts, strict=True)], asked.keep)


def _answers(asked: argparse.Namespace, dtype: str, rows: int, folder: Path) -> Texts:
    """Text of each sample of each test set; encoder outputs are not shared between runs."""
    place = folder / f"{dtype}-{rows}"
    what = ("--model", asked.model, "--tasks", asked.tasks, "--suite", "mini", "--limit", str(asked.limit))
    how = ("--device", "cpu", "--dtype", dtype, "--batch-size", str(rows), "--run-dir", str(place))
    run(salmonn_eval("predict", *what, *how))
    directory = RunDirectory(place)
    names = {row.request.key: (row.name, row.request.sample_id) for row in read_plan(directory)}
    texts: Texts = {}
    for plan in directory.read().plan:
        index = AnswerIndex(directory.prediction_files(plan.name))
        for key in index.successes():
            answer = index.get(key)
            assert answer is not None, "it was just listed"
            texts[names[key]] = answer.text
        index.close()
    return texts


def _row(way: tuple[str, int], given: Texts, first: Texts) -> dict[str, Any]:
    differing = [name for name in first if given.get(name) != first[name]]
    return {
        "dtype": way[0],
        "batch": way[1],
        "test sets": len({test_set for test_set, _ in given}),
        "answers": len(given),
        "differ from float32, batch 1": len(differing),
        "share": f"{len(differing) / len(first):.1%}",
        "in": ", ".join(sorted({test_set for test_set, _ in differing})) or "none",
    }


if __name__ == "__main__":
    main()
