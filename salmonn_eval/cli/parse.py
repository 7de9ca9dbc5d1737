"""Small texts of the command line made into records; every fault names the option."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec
import yaml

from salmonn_eval.engine.spec import MaxErrors, Shard
from salmonn_eval.errors import UsageError
from salmonn_eval.records import ConditionKind, IntervalMethod, Variant
from salmonn_eval.tasks.spec import MetricSpec

_METRIC = re.compile(r"(?P<name>[a-z0-9_]+)(?:\((?P<settings>[^()]*)\))?")


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """NAME=VALUE texts as a dict; UsageError for one without `=` and for a name given twice."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {text}: expected NAME=VALUE")
        if name in found:
            raise UsageError(f"{option} {text}: {name} is given twice; keep one")
        found[name] = value
    return found


def typed_pairs(option: str, texts: Sequence[str] | None) -> dict[str, Any]:
    """NAME=VALUE with the value read as a YAML scalar: `num_beams=1` is a number, `do_sample=true` a truth value."""
    return {name: _scalar(f"{option} {name}={value}", value) for name, value in pairs(option, texts).items()}


def _scalar(where: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise UsageError(f"{where}: the value cannot be read; expected a number, a word, true or false") from fault


def metric(text: str) -> MetricSpec:
    """`wer` or `wer(normalizer=none)`."""
    match = _METRIC.fullmatch(text.replace(" ", ""))
    if match is None:
        raise UsageError(f"--metric {text}: expected NAME or NAME(SETTING=VALUE,...), e.g. wer(normalizer=none)")
    inside = match["settings"]
    return MetricSpec(match["name"], settings=typed_pairs("--metric", inside.split(",")) if inside else {})


def shard(text: str | None) -> Shard | None:
    """`2/8` is part 2 of 8."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text}: expected i/N with 1 <= i <= N, e.g. 2/8")
    return Shard(int(match[1]), int(match[2]))


def max_errors(text: str) -> MaxErrors:
    """A count (`5`), or a share (`1%`, `0.01`)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
    if match is None:
        raise UsageError(f"--max-errors {text}: expected a count such as 5, or a share such as 1% or 0.01")
    number = float(match[1])
    if match[2]:
        return MaxErrors(share=number / 100)
    return MaxErrors(share=number) if "." in match[1] else MaxErrors(count=int(number))


def lora_scales(text: str | None, option: str = "--lora-scale") -> tuple[float | None, ...]:
    """`4` or `0,2,4`: absolute scales; None alone is the model's own. Faults name the option that was typed."""
    if text is None:
        return (None,)
    scales: dict[float, None] = {}
    for word in _words(text):
        try:
            scales[float(word)] = None
        except ValueError:
            scales[math.nan] = None
    if not scales or not all(map(math.isfinite, scales)):
        raise UsageError(f"{option} {text}: expected a number, or a comma list of numbers such as 0,2,4")
    return tuple(scales)


def variants(
    prompt_sets: str, conditions: str, seed: int, scales: Sequence[float | None] = (None,)
) -> tuple[Variant, ...]:
    """Every prompt set under every condition with every LoRA scale, in the order given."""
    for condition in (known := _words(conditions)):
        if condition not in get_args(ConditionKind):
            raise UsageError(f"--condition {condition}: expected one of {', '.join(get_args(ConditionKind))}")
    return tuple(
        Variant(scale, prompts, msgspec.convert(condition, ConditionKind), seed)
        for scale in scales
        for prompts in _words(prompt_sets)
        for condition in known
    )


def _words(text: str) -> list[str]:
    return _unique(word.strip() for word in text.split(",") if word.strip())


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def intervals(text: str) -> IntervalMethod:
    """The method of intervals; UsageError for another word."""
    if text not in get_args(IntervalMethod):
        raise UsageError(f"--intervals {text}: expected one of {', '.join(get_args(IntervalMethod))}")
    method: IntervalMethod = msgspec.convert(text, IntervalMethod)
    return method
