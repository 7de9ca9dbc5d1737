"""How fast 25,000 utterances are scored: WER with its 1,000-draw interval, by normalizer.

python benchmarks/scoring.py [--utterances 25000]
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import report

from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Answer, ScorerContext
from salmonn_eval.scorers.registry import build
from salmonn_eval.stats.intervals import interval

WORDS = (
    "the history of house is plain now I was well satisfied with my cabin which located in stern and opened into "
    "officers' mess they won't colour twenty one Mr. Doctor behaviour it's grey 1990s $5 done"
).split()


def main() -> None:
    """Time measuring and the interval, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=25_000)
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    answers = list(_answers(asked.utterances))
    rows = []
    for normalizer in ("none", "plain", "whisper-en"):
        scorer = build("wer", {"normalizer": normalizer}, ScorerContext(task="asr", language="en"))
        start = time.perf_counter()
        stats = np.array([measure.stats for measure in scorer.measure(answers)])
        measured = time.perf_counter()
        found = interval(
            scorer.combine,
            stats,
            [sample.cluster for sample, _, _ in answers],
            proportion=scorer.proportion,
            additive=scorer.additive,
            seed=1,
        )
        end = time.perf_counter()
        assert found is not None
        rows.append(
            {
                "normalizer": normalizer,
                "WER %": float(scorer.combine(stats, np.ones(len(stats)))),
                "interval": f"[{found.low:.2f}, {found.high:.2f}]",
                "measure s": measured - start,
                "interval s": end - measured,
                "all s": end - start,
            }
        )
    report("scoring", rows, asked.keep)


def _answers(count: int) -> Iterator[Answer]:
    """Twenty words an utterance, one in ten wrong, each its own cluster: the widest case for the bootstrap."""
    draw = random.Random(0)
    request = Request("k", "asr", "d", "s", "", (), Generation(200), Variant())
    for number in range(count):
        said = [draw.choice(WORDS) for _ in range(20)]
        heard = [draw.choice(WORDS) if draw.random() < 0.1 else word for word in said]
        sample = Sample(f"s{number}", references=(" ".join(said),), cluster=(f"c{number}",))
        yield sample, request, Prediction("k", " ".join(heard), "eos")


if __name__ == "__main__":
    main()
