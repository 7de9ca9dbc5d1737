"""Collapse: how often a model answers a task as it would answer the transcription's or the captioning's instruction.

It needs no references and no language: the model's own answers about the same clip are held against each other.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from salmonn_eval.diagnose.collapse import INSTEAD, Both, alike
from salmonn_eval.diagnose.reading import clip_id
from salmonn_eval.engine.joined import Item
from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import ask, items
from salmonn_eval.probes.finding import Finding
from salmonn_eval.probes.mutants import Mutant
from salmonn_eval.records import Variant

MUTANTS: Mapping[str, str] = {"transcript": "always-transcribes", "caption": "always-captions"}
"""What an answer may have collapsed to: the mutant that answers every request so."""


def collapse(model: Model, spec: RunSpec, folder: Path, progress: Progress) -> Iterator[Finding]:
    """K of every test set with audio at the default scale, for both instructions."""
    if not model.card.capabilities.audio:
        yield Finding("all", "all", "collapse_transcript", why=f"model `{model.card.name}` hears no audio")
        return
    variants = (Variant(model.card.default_lora_scale),)
    own = ask(model, spec, spec.questions, variants, folder / "answers-own", progress, score=False)
    others: dict[str, RunDirectory] = {}
    for instead, name in MUTANTS.items():
        at = folder / f"answers-{name}"
        others[instead] = ask(Mutant(model, name), spec, spec.questions, variants, at, progress, score=False)
    for question in spec.questions:
        mine = _answers(own, question)
        for instead, run in others.items():
            measure = f"collapse_{instead}"
            empty = Finding(question.task.id, question.dataset_id, measure, model.card.default_lora_scale)
            if question.task.id == INSTEAD[instead]:
                yield replace(empty, why="it is what is asked")
            else:
                yield _finding(empty, mine, _answers(run, question))


def _answers(run: RunDirectory, question: Question) -> dict[str, Item]:
    return {
        item.sample.id: item
        for item in items(run, question.name)
        if item.prediction is not None and item.prediction.text is not None and item.row.request.clips
    }


def _finding(empty: Finding, mine: dict[str, Item], other: dict[str, Item]) -> Finding:
    both = [_both(one, other[id_]) for id_, one in mine.items() if id_ in other]
    if not both:
        return replace(empty, why="no sample with audio has both answers")
    k = alike(both).k
    return replace(empty, value=k.value, ci=k.ci, n=len(both), why=k.why)


def _both(one: Item, other: Item) -> Both:
    own, instead = (item.prediction.text or "" if item.prediction else "" for item in (one, other))
    clip = clip_id(one.row.request) or one.sample.id
    return Both(own, instead, clip, one.sample.cluster or (f"item {one.sample.id}",))
