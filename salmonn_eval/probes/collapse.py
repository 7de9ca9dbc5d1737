"""Collapse: how often a model answers a task as it would answer the transcription's or the captioning's instruction.

It needs no references and no language: the model's own answers about the same clip are held against each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import ask, items
from salmonn_eval.probes.finding import Estimate, Finding, ratio
from salmonn_eval.probes.mutants import Mutant
from salmonn_eval.records import Clip, Variant

PAIRS = 2_000
PERCENTILE = 99.0
EQUAL = 75.0  # chrF that two renderings of one answer reach; a translation that shares names with its source does not
ALIKE = 95.0  # chrF; where chance reaches it, the answers are all the same
SEED = 12_345

INSTEAD: Mapping[str, tuple[str, str]] = {
    "collapse_transcript": ("always-transcribes", "asr"),
    "collapse_caption": ("always-captions", "aac"),
}
"""By measure: the mutant that answers every request so, and the task of which it is the right answer."""


class Answered(Struct, frozen=True):
    """One answer and what it is about."""

    text: str
    clips: tuple[Clip, ...]
    cluster: tuple[str, ...]


def collapse(model: Model, spec: RunSpec, folder: Path, progress: Progress) -> Iterator[Finding]:
    """K of every test set with audio at the default scale, for both instructions."""
    if not model.card.capabilities.audio:
        yield Finding("all", "all", "collapse_transcript", why=f"model `{model.card.name}` hears no audio")
        return
    variants = (Variant(model.card.default_lora_scale),)
    own = ask(model, spec, spec.questions, variants, folder / "answers-own", progress, score=False)
    others: dict[str, RunDirectory] = {}
    for measure, (name, _) in INSTEAD.items():
        at = folder / f"answers-{name}"
        others[measure] = ask(Mutant(model, name), spec, spec.questions, variants, at, progress, score=False)
    for question in spec.questions:
        mine = _answers(own, question)
        for measure, run in others.items():
            empty = Finding(question.task.id, question.dataset_id, measure, model.card.default_lora_scale)
            if question.task.id == INSTEAD[measure][1]:
                yield replace(empty, why="it is what is asked")
            else:
                yield _finding(empty, mine, _answers(run, question))


def _answers(run: RunDirectory, question: Question) -> dict[str, Answered]:
    found: dict[str, Answered] = {}
    for item in items(run, question.name):
        if item.prediction is not None and item.prediction.text is not None and item.row.request.clips:
            found[item.sample.id] = Answered(item.prediction.text, item.row.request.clips, item.sample.cluster)
    return found


def _finding(empty: Finding, mine: dict[str, Answered], other: dict[str, Answered]) -> Finding:
    both = [(mine[id_], other[id_]) for id_ in mine if id_ in other]
    bound = chance(both)
    if bound is None or bound >= ALIKE:
        why = "fewer than two clips" if bound is None else f"answers about different clips are alike (chrF {bound:.0f})"
        return replace(empty, n=len(both), why=why)
    bound = max(bound, EQUAL)
    hits = [(float(similarity(one.text, two.text) > bound), 1.0) for one, two in both]
    stats = np.array(hits, dtype=np.float64).reshape(len(hits), 2)
    where = {"task": empty.task, "dataset": empty.dataset, "scale": empty.scale}
    return Estimate(empty.measure, ratio, proportion=True).finding(where, stats, [one.cluster for one, _ in both])


def chance(both: Sequence[tuple[Answered, Answered]]) -> float | None:
    """The 99th percentile of chrF between answers about different clips, over 2,000 random pairs; None without any."""
    random = np.random.default_rng(SEED)
    drawn = random.integers(0, max(len(both), 1), size=(PAIRS, 2)).tolist() if both else []
    found = [similarity(both[i][0].text, both[j][1].text) for i, j in drawn if both[i][0].clips != both[j][1].clips]
    return float(np.percentile(found, PERCENTILE)) if found else None


def similarity(one: str, other: str) -> float:
    """Sentence chrF of one text against another, 0 to 100; two empty texts are alike."""
    import sacrebleu

    if not one.strip() and not other.strip():
        return 100.0
    return float(sacrebleu.sentence_chrf(one, [other]).score)
