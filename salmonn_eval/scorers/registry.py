"""Every metric by name: those of this version, those known but not part of it, and those of installed packages."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.base import Scorer, ScorerContext
from salmonn_eval.scorers.catalogue import METRICS, MetricFacts

GROUP = "salmonn_eval.scorers"
Build = Callable[[Mapping[str, str], ScorerContext], Scorer]
Settings = Mapping[str, tuple[str, ...]]
"""Each setting's choices; the first is what holds when nothing is set."""


class Metric(Struct, frozen=True):
    """How a metric's scorer is made: `build(settings, context)` with every setting filled in.

    A package adds metrics with entry points of the group `salmonn_eval.scorers`, each naming one of these.
    """

    build: Build
    facts: MetricFacts
    settings: Settings = {}


class _Place(Struct, frozen=True):
    """A metric of this package, imported when it is first asked for.

    `lacks` is a module whose function of that name says why the machine cannot compute it (None: it can).
    """

    module: str
    name: str
    settings: Settings = {}
    lacks: str | None = None


_NORMALIZER = ("plain", "whisper-en", "whisper-basic", "none")
_OURS: Mapping[str, _Place] = {
    "wer": _Place("wer", "WordErrorRate", {"normalizer": _NORMALIZER}),
    "cer": _Place("wer", "CharacterErrorRate", {"normalizer": _NORMALIZER, "spaces": ("auto", "keep", "remove")}),
    "per": _Place("per", "PhoneErrorRate", {"phone_set": ("stress", "folded39")}),
    "osr_wer": _Place("overlap", "OrderFreeWordErrorRate", {"normalizer": _NORMALIZER}),
    "cpwer": _Place(
        "overlap",
        "ConcatenatedPermutationWordErrorRate",
        {"normalizer": _NORMALIZER, "splitter": ("marks", "lines")},
    ),
    "bleu": _Place("bleu", "Bleu", {"tokenize": ("auto", "13a", "zh", "char", "ja-mecab")}),
    "coco_bleu4": _Place("captions.bleu", "CocoBleu4", lacks="captions.java"),
    "meteor": _Place("captions.meteor", "Meteor", lacks="captions.java"),
    "rouge_l": _Place("captions.rouge", "RougeL", lacks="captions.java"),
    "cider": _Place("captions.cider", "Cider", lacks="captions.java"),
    "spice": _Place("captions.spice", "Spice", lacks="captions.spice_files"),
    "spider": _Place("captions.spider", "Spider", lacks="captions.spice_files"),
    "accuracy": _Place("exact", "accuracy", {"match": ("labels", "exact", "normalized")}),
    "unweighted_accuracy": _Place("accuracy", "UnweightedAccuracy"),
    "balanced_accuracy": _Place("accuracy", "BalancedAccuracy"),
    "yes_rate": _Place("accuracy", "YesRate"),
    "eer": _Place("eer", "EqualErrorRate"),
    "keyword_accuracy": _Place("keywords", "KeywordAccuracy", {"matching": ("exact", "stemmed")}),
    "slot_accuracy": _Place("slots", "SlotAccuracy", {"items": ("all", "several")}),
    "slot_contains": _Place("slots", "SlotContains"),
    "answer_accuracy": _Place("answers", "AnswerAccuracy"),
    "judge_accuracy": _Place("judge.judged", "JudgeAccuracy", {"prompt": ("sqqa", "sac")}),
    "diversity": _Place("story", "Diversity"),
    "distinct_100": _Place("story", "DistinctInFirst"),
    "repeat_rate": _Place("story", "RepeatRate"),
    "eos_rate": _Place("story", "EosRate"),
    "grounding": _Place("grounding", "Grounding"),
    "following_rate": _Place("following", "following_rate", {"by": ("rule", "judge")}),
    "fr_paper": _Place("following", "PaperFollowingRate", {"criterion": ("auto", "transcript", "words")}),
}


def availability() -> Mapping[str, str | None]:
    """Every known metric: None where it can be used, else a sentence saying why not."""
    return {
        **{name: _lack(name) for name in METRICS},
        **{name: _load_fault(name) for name in _plugins()},
    }


def _lack(name: str) -> str | None:
    if name not in _OURS:
        return f"metric {name!r} is known but not part of this version"
    module = _OURS[name].lacks
    why: str | None = import_module(f"salmonn_eval.scorers.{module}").lacks() if module else None
    return why and f"metric {name!r} is not at hand: {why}"


def describe(name: str) -> MetricFacts:
    """Unit, direction and needs of a metric; UsageError for one that nobody knows."""
    if name in METRICS:
        return METRICS[name]
    if name not in _plugins():
        raise UsageError(check_settings(name, {}) or name)
    return _metric(name).facts


def build(name: str, settings: Mapping[str, Any], context: ScorerContext) -> Scorer:
    """The scorer of a metric for one task; UsageError names a metric, setting or language that cannot be."""
    if fault := check_settings(name, settings):
        raise UsageError(fault)
    metric = _metric(name)
    defaults = {setting: choices[0] for setting, choices in metric.settings.items()}
    return metric.build({**defaults, **settings}, context)


def arithmetic(name: str, settings: Mapping[str, Any], context: ScorerContext) -> Scorer:
    """The scorer of a metric for combining statistics that are there already: also where its outside tool is not.

    UsageError for a metric or a setting that does not exist.
    """
    if name not in _OURS or (name in METRICS and not _OURS[name].lacks):
        return build(name, settings, context)
    metric = _metric(name)
    return metric.build({**{setting: choices[0] for setting, choices in metric.settings.items()}, **settings}, context)


def check_settings(name: str, settings: Mapping[str, Any]) -> str | None:
    """Why a metric cannot be had with these settings, in one sentence; None if it can."""
    known = {*METRICS, *_plugins()}
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(known))}"
        return f"metric {name!r} does not exist; {hint}"
    if fault := _lack(name) if name in METRICS else _load_fault(name):
        return fault
    choices = _metric(name).settings
    for setting, value in settings.items():
        if setting not in choices:
            return f"metric {name!r} has no setting {setting!r}; it has {', '.join(choices) or 'none'}"
        if value not in choices[setting]:
            return f"metric {name!r}: setting {setting!r} is {value!r}; expected one of {', '.join(choices[setting])}"
    return None


def _metric(name: str) -> Metric:
    if name in _OURS:
        place = _OURS[name]
        scorer: Build = getattr(import_module(f"salmonn_eval.scorers.{place.module}"), place.name)
        return Metric(scorer, METRICS[name], place.settings)
    loaded = _plugins()[name].load()
    if not isinstance(loaded, Metric):
        raise UsageError(f"entry point {name!r} of {GROUP} is a {type(loaded).__name__}; expected a registry.Metric")
    return loaded


def _load_fault(name: str) -> str | None:
    try:
        _metric(name)
    except (ImportError, AttributeError, UsageError) as fault:
        return f"metric {name!r} of an installed package cannot be loaded: {fault}"
    return None


@cache
def _plugins() -> Mapping[str, EntryPoint]:
    """Entry points of other packages; a name of our own cannot be taken over."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in METRICS}
