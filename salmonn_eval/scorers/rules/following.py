"""The following rules named by task definitions: which marks an answer must not bear, and which it must."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Followed
from salmonn_eval.scorers.rules.marks import MARKS, Output


class FollowingRule(Struct, frozen=True):
    """An answer that bears one of `refuses`, or lacks one of `requires`, does not follow.

    A mark whose material the sample lacks is passed over among `refuses` unless it is in `needs`; among `requires` and
    `needs` it leaves the verdict undetermined. `thresholds` replaces those of the marks' own rows.
    """

    refuses: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = {}


class Verdict(Struct, frozen=True):
    """Whether an answer follows its instruction, and the mark that decided when it does not."""

    followed: Followed
    why: str | None = None


_BROKEN = ("empty", "echo", "runaway", "repeats")
_LONG = {"runaway": 0.2}
"""A long answer is often cut off at its cap: only one that also repeats itself has run away."""

FOLLOWING: Mapping[str, FollowingRule] = {
    "words": FollowingRule((*_BROKEN, "phones"), ("language",)),
    "phones": FollowingRule(("empty",), ("phones",)),
    "script_han": FollowingRule(_BROKEN, ("han",)),
    "script_kana": FollowingRule(_BROKEN, ("kana",)),
    "german": FollowingRule((*_BROKEN, "phones"), ("german",)),
    "sentence": FollowingRule((*_BROKEN, "phones", "transcript", "translation"), ("sentence",), thresholds=_LONG),
    "one_label": FollowingRule(("empty", "transcript"), ("label",)),
    "yes_no": FollowingRule(("empty", "transcript"), ("yes_no",)),
    "two_utterances": FollowingRule((*_BROKEN, "phones", "translation"), ("two_parts",)),
    "short_list": FollowingRule((*_BROKEN, "phones", "transcript", "translation"), ("short_list",)),
    "answers_speech": FollowingRule(
        (*_BROKEN, "phones", "transcript"), ("language",), needs=("transcript",), thresholds=_LONG
    ),
    "story": FollowingRule((*_BROKEN, "phones", "transcript", "translation"), ("story",), thresholds=_LONG),
    "answer": FollowingRule((*_BROKEN, "phones", "transcript", "translation"), thresholds=_LONG),
}


def follows(rule: str, output: Output, settings: Mapping[str, Any] | None = None) -> Verdict:
    """Apply a rule with a task's settings; UsageError for a rule or setting that does not exist."""
    if fault := check_rule(rule, settings or {}):
        raise UsageError(fault)
    chosen = FOLLOWING[rule]
    thresholds = _thresholds(chosen, settings or {})
    unknown: list[str] = []
    for expected, marks in ((False, chosen.refuses), (True, chosen.requires)):
        for mark in marks:
            borne = MARKS[mark].test(output, thresholds[mark])
            if borne is None:
                unknown += [mark] if expected or mark in chosen.needs else []
            elif borne is not expected:
                return Verdict("no", f"not {mark}" if expected else mark)
    if unknown:
        row = MARKS[unknown[0]]
        return Verdict("undetermined", f"{row.id}: " + (f"no {row.needs}" if row.needs else "the answer is too short"))
    return Verdict("yes")


def _thresholds(rule: FollowingRule, settings: Mapping[str, Any]) -> dict[str, float]:
    return {
        mark: float(settings.get(MARKS[mark].setting or "", rule.thresholds.get(mark, MARKS[mark].threshold)))
        for mark in (*rule.refuses, *rule.requires)
    }


def check_rule(rule: str, settings: Mapping[str, Any]) -> str | None:
    """Why a rule with these settings cannot be used, in one sentence; None if it can."""
    if rule not in FOLLOWING:
        return f"following rule {rule!r} does not exist; choose one of {', '.join(FOLLOWING)}"
    chosen = FOLLOWING[rule]
    names = [name for mark in (*chosen.refuses, *chosen.requires) if (name := MARKS[mark].setting)]
    for name, value in settings.items():
        if name not in names:
            return f"following rule {rule!r} has no setting {name!r}; it has {', '.join(names) or 'none'}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"following rule {rule!r}: setting {name!r} is {value!r}; expected a number"
    return None
