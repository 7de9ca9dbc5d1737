"""What a model says of silence and of noise: how often it makes something up, and whether it notices at all."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import ask, items
from salmonn_eval.probes.finding import Estimate, Finding
from salmonn_eval.probes.settings import settings
from salmonn_eval.records import ConditionKind, Variant
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.ratio import each_once, ratio

ADMISSION = 15  # words at most
CONDITIONS: tuple[ConditionKind, ...] = ("silence", "noise")


@cache
def _nothing() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(phrase) for phrase in settings().nothing_heard)})\b", re.I)


def made_up(text: str) -> bool:
    """Whether an answer to silence or noise asserts something.

    It holds a word, and does not say in a sentence's length that there is nothing to hear; a story of silence is made
    up all the same.
    """
    if not any(letter.isalnum() for letter in text):
        return False
    return len(text.split()) > ADMISSION or not _nothing().search(text)


def same(text: str, heard: str) -> bool:
    """Whether two answers are the same but for case and marks."""
    return plain(text) == plain(heard)


Statistics = Callable[[str, str], float]
MEASURES: Mapping[str, Statistics] = {
    "hallucination_rate": lambda text, heard: float(made_up(text)),
    "unchanged": lambda text, heard: float(same(text, heard)),
}
"""Of an answer without the sound and the same model's answer with it: shares of samples."""


def hallucination(model: Model, spec: RunSpec, folder: Path, progress: Progress) -> Iterator[Finding]:
    """The rates of every test set whose samples have audio, under silence and under noise, at the default scale."""
    if not model.card.capabilities.audio:
        yield Finding("all", "all", "hallucination_rate", why=f"model `{model.card.name}` hears no audio")
        return
    scale = model.card.default_lora_scale
    variants = tuple(
        Variant(scale, condition=condition, seed=spec.seed if condition == "noise" else 0)
        for condition in ("none", *CONDITIONS)
    )
    run = ask(model, spec, spec.questions, variants, folder / "answers-conditions", progress, score=False)
    for question in spec.questions:
        yield from _findings(run, question, scale)


def _findings(run: RunDirectory, question: Question, scale: float | None) -> Iterator[Finding]:
    answers: dict[ConditionKind, dict[str, str]] = {condition: {} for condition in ("none", *CONDITIONS)}
    clusters: dict[str, tuple[str, ...]] = {}
    for item in items(run, question.name):
        request = item.row.request
        if request.clips and item.prediction is not None and item.prediction.text is not None:
            answers[request.variant.condition][item.sample.id] = item.prediction.text
            clusters[item.sample.id] = item.sample.cluster
    for condition in CONDITIONS:
        both = [id_ for id_ in answers[condition] if id_ in answers["none"]]
        for name, statistics in MEASURES.items():
            values = [statistics(answers[condition][id_], answers["none"][id_]) for id_ in both]
            where = {"task": question.task.id, "dataset": question.dataset_id, "scale": scale, "condition": condition}
            share = Estimate(name, ratio, proportion=True)
            yield share.finding(where, each_once(values), [clusters[id_] for id_ in both])
