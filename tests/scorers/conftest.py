"""Answers made by hand and golden cases from other tools."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.records import Finish, Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import Answer

METRICS = Path(__file__).resolve().parents[1] / "data" / "metrics"


@pytest.fixture(scope="session")
def golden() -> Callable[[str], list[dict[str, Any]]]:
    """Cases of a family with the numbers on which several independent tools agree."""
    return lambda family: json.loads((METRICS / f"{family}.json").read_text("utf-8"))["cases"]


@pytest.fixture(scope="session")
def answer() -> Callable[..., Answer]:
    """Build one answer: `answer("text", "reference", labels=("happy",), transcript="...")`."""

    def build(
        text: str,
        *references: str,
        labels: tuple[str, ...] = (),
        transcript: str | None = None,
        instruction: str = "",
        finish: Finish = "eos",
        sample_id: str = "s",
        label_logprobs: dict[str, float] | None = None,
        **fields: Any,
    ) -> Answer:
        material = fields if transcript is None else {"transcript": transcript, **fields}
        sample = Sample(sample_id, fields=material, references=references, labels=labels)
        request = Request("k", "t", "d", "s", instruction, (), Generation(200), Variant())
        return sample, request, Prediction("k", text, finish, label_logprobs=label_logprobs)

    return build
