"""Does the adapter act at all? A sweep over the scale of one that does not would measure nothing, at length."""

from collections.abc import Iterator
from itertools import islice

import msgspec
from msgspec import Struct

from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import AudioError, PrerequisiteError, UsageError
from salmonn_eval.models.protocol import Model, ModelCard
from salmonn_eval.probes.told import Teller
from salmonn_eval.records import Request, Sample

SAME = 1e-6  # nats a token: what rounding leaves between two equal rows of one batch
TRIED = 5  # samples a test set that may fail to be heard
OPENING = "The"  # continued with, where a sample has no reference: any text shows whether a scale matters


class Acting(Struct, frozen=True):
    """What was seen: the largest change of a token's log-probability (nats) between scale 0 and the default."""

    sample_id: str
    continuation: str
    change: float


def need_adapter(card: ModelCard) -> float:
    """The default scale of a card's adapter; UsageError says what can be diagnosed without one."""
    if card.capabilities.lora_scale == "none" or card.default_lora_scale is None:
        raise UsageError(
            f"model `{card.name}` has no adapter, so there is no scale to sweep; what needs none can still be "
            "diagnosed: `salmonn-eval run`, then `diagnose RUN` (following, confusion, error share, collapse, hearing, "
            "paraphrases); the over-fitting index, the recommended scale and forgetting cannot"
        )
    return card.default_lora_scale


def sweep_scales(card: ModelCard) -> tuple[float, ...]:
    """Five scales from the bare language model to the adapter as it was trained, the latter included."""
    default = need_adapter(card)
    return tuple(default * step / 4 for step in range(5))


def prove_adapter(model: Model, spec: RunSpec) -> Acting | None:
    """Show on the first real sample that can be heard that the adapter acts; None where the model cannot tell.

    The log-probabilities of a given continuation (the sample's reference) are asked at scale 0 and at the default
    scale, in one batch where the model takes a scale a row. Raises UsageError for a model without an adapter,
    PrerequisiteError for an adapter that changes none of them by more than rounding, and where no sample can be heard.
    """
    default = need_adapter(model.card)
    if not model.card.capabilities.logprobs:
        return None
    why = "the test sets are empty"
    with Teller(model) as teller:
        for sample, request in _first(spec):
            try:
                found = _change(teller, sample, request, default)
            except AudioError as fault:
                why = str(fault)
                continue
            if found.change <= SAME:
                raise PrerequisiteError(
                    f"the adapter of `{model.card.name}` does not act: on sample {found.sample_id} no log-probability "
                    f"differs between scale 0 and {default:g} by more than {SAME:g}, so every scale would answer the "
                    "same; expected adapter weights that are not zero: check the checkpoint"
                )
            return found
    raise PrerequisiteError(f"no sample to prove the adapter on: {why}")


def _first(spec: RunSpec) -> Iterator[tuple[Sample, Request]]:
    """The first samples that are to be asked, with what is asked first about each."""
    for question in spec.questions:
        planner = Planner(spec, question)
        samples = planner.samples()
        asked = (row.request for row in planner.rows())
        for sample in islice(samples, TRIED):
            request = next((one for one in asked if one.sample_id == sample.id), None)
            if request is not None:
                yield sample, request


def _change(teller: Teller, sample: Sample, request: Request, default: float) -> Acting:
    """What the scale changes on one sample; AudioError where it cannot be heard."""
    continuation = next(iter((*sample.references, *sample.labels)), OPENING)
    (bare,), (adapted,) = teller.tell([_at(request, scale) for scale in (0.0, default)], [continuation])
    change = max(abs(one - other) for one, other in zip(bare, adapted, strict=True))
    return Acting(sample.id, continuation, change)


def _at(request: Request, scale: float) -> Request:
    variant = msgspec.structs.replace(request.variant, lora_scale=scale)
    return msgspec.structs.replace(request, key=f"{request.key}@{scale:g}", variant=variant)
