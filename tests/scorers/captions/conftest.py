"""Caption cases of independent tools, and Java programs that all tests share: starting them is what takes long."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salmonn_eval.records import Generation, Measure, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.captions.spice_files import VARIABLE, lacks
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.shared import Shared

Case = dict[str, Any]


@pytest.fixture(scope="session")
def context() -> Iterator[ScorerContext]:
    """One context, so one process of each kind, for the whole session."""
    with Shared() as shared:
        yield ScorerContext("aac", "en", shared=shared)


@pytest.fixture
def spice_files(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CoreNLP's files: those of SALMONN_EVAL_SPICE_DIR or of the cache folder, else those in `shared`."""
    if lacks():
        monkeypatch.setenv(VARIABLE, str(shared / "spice"))
    if why := lacks():
        pytest.skip(why)


def answers(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> list[Answer]:
    request = Request("k", "aac", "d", "s", "", (), Generation(200), Variant())
    return [
        (Sample(f"s{number}", references=tuple(refs)), request, Prediction("k", text, "eos"))
        for number, (text, refs) in enumerate(zip(hypotheses, references, strict=True))
    ]


@pytest.fixture(scope="session")
def captions() -> Callable[[Case], list[Answer]]:
    """The answers of a case."""
    return lambda case: answers(case["hyps"], case["refs"])


@pytest.fixture(scope="session")
def scored(context: ScorerContext) -> Callable[..., tuple[Scorer, list[Measure], float]]:
    """A metric over answers: its scorer, the measures, and the value of those that could be scored."""

    def run(name: str, given: list[Answer]) -> tuple[Scorer, list[Measure], float]:
        scorer = build(name, {}, context)
        scorer.prepare(sample for sample, _, _ in given)
        measures = list(scorer.measure(given))
        stats = np.array([measure.stats for measure in measures if measure.status == "scored"])
        return scorer, measures, float(scorer.combine(stats, np.ones(len(stats)))) if len(stats) else np.nan

    return run
