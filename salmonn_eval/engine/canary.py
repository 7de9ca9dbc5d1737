"""The canary: before a run, a few samples are asked once as they are and once as silence.

A model whose answers do not change does not hear: a file that was not found and replaced by zeros, an encoder that is
not connected, a prompt without a place for the audio. Hours of answers would not tell.
"""

import threading
from collections.abc import Iterator

from msgspec.structs import replace

from salmonn_eval.engine.executor import Executor
from salmonn_eval.engine.plan import read_plan
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Request

SAMPLES = 4
TOKENS = 24
FEWEST = 3  # of so few samples an equal answer may be chance, above all where there are few answers to choose from


def can_sing(card: ModelCard) -> bool:
    """Whether a model hears when it is asked: recorded and imported answers do not."""
    return card.capabilities.audio and card.capabilities.decoding != "unknown"


def canary(run: RunDirectory, spec: RunSpec, executor: Executor, stop: threading.Event) -> str | None:
    """A warning where no answer changes with silence, else None; what fails says nothing.

    Asked are four samples at most, spread over the test sets, those with open answers first; 24 tokens, no beams.
    """
    asked = {request.key: request for request in _few(run, spec)}
    pairs = [variant for request in asked.values() for variant in (_short(request, "heard"), _silent(request))]
    texts = {answer.key: answer.text for answer in executor.answer(pairs, stop) if answer.error is None}
    told = [(texts.get(f"{key}~heard"), texts.get(f"{key}~silent")) for key in asked]
    valid = [(heard, silent) for heard, silent in told if heard is not None and silent is not None]
    if len(valid) < FEWEST or any(heard != silent for heard, silent in valid):
        return None
    return (
        f"the canary: in {len(valid)} of {len(valid)} samples the answer is the same when the clip is silence; either "
        f"`{spec.card.name}` does not hear, or its audio does not reach it"
    )


def _few(run: RunDirectory, spec: RunSpec) -> Iterator[Request]:
    """The first sample of each test set, then the second ...; test sets of closed labels last."""
    plans = {plan.name: plan for plan in run.read().plan}
    questions = sorted(spec.questions, key=lambda question: bool(question.task.labels))
    found: list[list[Request]] = []
    for question in questions[:SAMPLES]:
        own: dict[str, Request] = {}
        for number, row in enumerate(read_plan(run, plans[question.name])):
            request = row.request
            if request.clips and request.variant.condition == "none":
                own.setdefault(request.sample_id, request)
            if len(own) == SAMPLES or number > 100 * SAMPLES:
                break
        found.append(list(own.values()))
    spread = [requests[place] for place in range(SAMPLES) for requests in found if place < len(requests)]
    yield from spread[:SAMPLES]


def _short(request: Request, mark: str) -> Request:
    generation = request.generation
    short = replace(generation, max_new_tokens=min(TOKENS, generation.max_new_tokens), num_beams=1)
    return replace(request, key=f"{request.key}~{mark}", generation=short)


def _silent(request: Request) -> Request:
    clips = tuple(replace(clip, condition="silence") for clip in request.clips)
    return replace(_short(request, "silent"), clips=clips, variant=replace(request.variant, condition="silence"))
