"""Effective decoding settings: flag over dataset over suite over task over model card."""

from collections.abc import Mapping
from typing import Any

import msgspec

from salmonn_eval.engine.spec import Question
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Generation


def effective_generation(
    card: ModelCard, question: Question, suite: Mapping[str, Any], flags: Mapping[str, Any]
) -> Generation:
    """Merge the layers into complete settings.

    A model that has no beams is asked for one. Raises UsageError for an unknown setting, a wrong type, or beams that
    the command line asks of a model without them.
    """
    merged = {**card.generation, **question.task.generation, **suite, **question.dataset.generation, **flags}
    known = Generation.__struct_fields__
    for key in merged:
        if key not in known:
            raise UsageError(f"{question.name}: unknown generation setting {key!r}; expected one of {', '.join(known)}")
    try:
        asked = msgspec.convert(merged, Generation)
    except msgspec.ValidationError as fault:
        raise UsageError(f"{question.name}: generation settings: {fault}") from fault
    for key in ("max_new_tokens", "num_beams"):
        if getattr(asked, key) < 1:
            raise UsageError(f"{question.name}: generation setting {key} is {getattr(asked, key)}; expected 1 or more")
    if card.capabilities.beams or asked.num_beams == 1:
        return asked
    if "num_beams" in flags:
        raise UsageError(f"--generation num_beams={asked.num_beams}: {card.name} has no beam search; drop it")
    return msgspec.structs.replace(asked, num_beams=1)
