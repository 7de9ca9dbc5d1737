"""Which metrics cannot be had: of this version, on this machine, of this model, without a judge."""

from collections.abc import Mapping

from salmonn_eval.engine.spec import JudgeSettings
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.scorers.registry import availability, describe


def lacking(card: ModelCard, judge: JudgeSettings | None) -> Mapping[str, str | None]:
    """Every metric: None where it can be had, else a sentence saying why not and what to do."""
    return {name: why or _needs(name, card, judge) for name, why in availability().items()}


def _needs(name: str, card: ModelCard, judge: JudgeSettings | None) -> str | None:
    facts = describe(name)
    if facts.needs_logprobs and not card.capabilities.logprobs:
        return f"model {card.name!r} gives no log-probabilities"
    if facts.needs_judge and judge is None:
        return f"metric {name!r} needs a judge; name one with --judge-model MODEL --judge-url URL"
    return None
