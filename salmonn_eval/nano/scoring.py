"""The world's answers, scored by the product's own scorers without a run around them."""

from collections.abc import Mapping, Sequence

import numpy as np

from salmonn_eval.nano.world.items import Item
from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import ScorerContext
from salmonn_eval.scorers.registry import build
from salmonn_eval.scorers.shared import Shared
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.spec import TaskSpec

METRICS: Mapping[str, tuple[str, dict[str, str]]] = {
    "asr": ("wer", {"normalizer": "plain"}),
    "en2zh": ("bleu", {"tokenize": "zh"}),
    "en2de": ("bleu", {"tokenize": "13a"}),
    "en2ja": ("bleu", {"tokenize": "char"}),
    "aac": ("rouge_l", {}),
    "mc": ("rouge_l", {}),
    "pr": ("per", {}),
    "er": ("accuracy", {}),
    "osr": ("osr_wer", {"normalizer": "plain"}),
    "sv": ("accuracy", {}),
    "gr": ("accuracy", {}),
    "sqa": ("answer_accuracy", {}),
    "aqa": ("answer_accuracy", {}),
    "mqa": ("answer_accuracy", {}),
    "ke": ("keyword_accuracy", {}),
    "sf": ("slot_accuracy", {}),
    "sqqa": ("answer_accuracy", {}),
    "sac": ("answer_accuracy", {}),
    "story": ("following_rate", {}),
}
"""One metric a task, to steer by."""


def task_specs() -> dict[str, TaskSpec]:
    """The tasks by id."""
    return {task.spec.id: task.spec for task in discover().tasks}


def value(task: TaskSpec, metric: str, settings: Mapping[str, str], answers: Sequence[tuple[Item, str, str]]) -> float:
    """A metric of (item, instruction, answer) triples of one task, in its unit."""
    with Shared() as shared:
        context = ScorerContext(
            task.id, task.language, task.labels, task.following.rule, task.following.settings, shared
        )
        scorer = build(metric, settings, context)
        samples = [sample(item, str(number)) for number, (item, _, _) in enumerate(answers)]
        if scorer.needs_corpus:
            scorer.prepare(samples)
        asked = [
            (one, _request(task.id, one.id, instruction), Prediction(one.id, text, "eos"))
            for one, (_, instruction, text) in zip(samples, answers, strict=True)
        ]
        measures = list(scorer.measure(asked))
        stats = np.array([measure.stats for measure in measures if measure.status == "scored"])
        return float(scorer.combine(stats, np.ones(len(stats))))


def sample(item: Item, id_: str) -> Sample:
    """The item as a test set holds it, without its sound."""
    return Sample(id_, (), item.material, item.references, item.labels, (id_,))


def _request(task: str, sample_id: str, instruction: str) -> Request:
    return Request(sample_id, task, "nano", sample_id, instruction, (), Generation(200), Variant())
