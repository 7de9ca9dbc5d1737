"""What a run would do, without doing it: samples, audio hours, the time that an earlier run suggests, what it needs."""

from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct

from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.rundir import QuestionPlan, Speed, runs_under
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import UsageError
from salmonn_eval.models.backend import EstimatingBackend
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.models.registry import find_backend


class Survey(Struct, frozen=True):
    """Counts per test set, and an estimate in seconds (None: no earlier run of this model to go by).

    `needs` are sentences about memory and time on known hardware, of models that can tell.
    """

    plans: tuple[QuestionPlan, ...]
    n_variants: int
    seconds: float | None
    needs: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to know of the data, a sentence each."""
        return tuple(f"{plan.name}: {remark}" for plan in self.plans for remark in plan.remarks)

    @property
    def n_requests(self) -> int:
        """Samples in all, under each variant."""
        return sum(plan.n_planned for plan in self.plans) * self.n_variants

    @property
    def audio_s(self) -> float:
        """Seconds of audio in all."""
        return sum(plan.audio_s for plan in self.plans)


def survey(spec: RunSpec, out: Path) -> Survey:
    """Count what would be asked; estimate from the speed of this model's runs under `out`."""
    plans = []
    longest = widest = 1
    for question in spec.questions:
        planner = Planner(spec, question)
        for row in planner.rows():
            longest = max(longest, row.request.generation.max_new_tokens)
            widest = max(widest, row.request.generation.num_beams)
        plans.append(planner.summary())
    counted = Survey(tuple(plans), len(spec.variants), None)
    return msgspec.structs.replace(
        counted,
        seconds=_estimate(counted, spec.card.name, out),
        needs=_needs(spec.card, counted, tokens=longest, beams=widest),
    )


def _needs(card: ModelCard, counted: Survey, *, tokens: int, beams: int) -> tuple[str, ...]:
    """What the model's backend says of a run with so many tokens and beams at most."""
    backend = find_backend(card.backend)
    if not hasattr(backend, "estimate"):
        return ()
    clips = counted.n_requests // max(1, counted.n_variants)
    told = cast(EstimatingBackend, backend).estimate(
        card, requests=counted.n_requests, clips=clips, tokens=tokens, beams=beams
    )
    return tuple(told)


def _estimate(counted: Survey, model: str, out: Path) -> float | None:
    measured = Speed()
    for run in runs_under(out):
        try:
            state = run.read()
        except UsageError:
            continue  # another version's run tells nothing
        if state.spec.card.name == model:
            for part in state.speed.values():
                measured = measured.plus(part)
    if not measured.answers:
        return None
    if measured.audio_s and counted.audio_s:
        return counted.audio_s * measured.seconds / measured.audio_s
    return counted.n_requests * measured.seconds / measured.answers
