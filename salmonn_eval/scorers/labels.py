"""Reading a closed label out of a free answer."""

# ruff: noqa: RUF001 - look-alike characters are what this module is about

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

Fault = Literal["multiple", "evasive", "off-task"]

_CJK = "㐀-鿿豈-﫿぀-ヿ가-힯"
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])+(?:['’](?:(?![{_CJK}])[^\W_])+)*|[.,;:!?\n。，；：！？、]")
_BOUNDARIES = frozenset(".,;:!?\n。，；：！？、") | {"but", "yet", "however", "sondern", "aber"}
_NEGATIONS = frozenset(
    "not no never neither nor without isn't aren't wasn't weren't doesn't don't didn't cannot can't hardly nicht kein "
    "keine weder noch 不 没".split()
)
_REACH = 3
"""A negation holds for the label up to this many words after it, within its clause: "not very happy"."""
_EVASIONS = (
    "cannot", "can't", "can not", "unable", "not sure", "unsure", "don't know", "do not know", "unclear", "unknown",
    "hard to", "difficult to", "impossible", "sorry", "as an ai", "no idea", "undetermined", "not clear",
)  # fmt: skip


class Reading(Struct, frozen=True):
    """The label that an answer gives, or what is wrong with it."""

    label: str | None
    fault: Fault | None = None


def tokens(text: str) -> list[str]:
    """Lower-case words, single CJK characters and clause marks, in order."""
    return [token.replace("’", "'") for token in _TOKEN.findall(text.lower())]


def read_label(text: str, labels: Mapping[str, Sequence[str]]) -> Reading:
    """The one label that the answer affirms.

    A label is found by its name or any of its spellings, as whole words; of overlapping spellings the longest counts.
    One within three words after a negation of the same clause ("not very happy") is denied and does not count. Several
    affirmed labels are `multiple`; none is `evasive` where the answer denies labels or declines, else `off-task`. With
    the labels yes and no, an answer that opens with one of them has said it.
    """
    found = tokens(text)
    spelled = sorted(
        ((tokens(spelling), label) for label, spellings in labels.items() for spelling in (label, *spellings)),
        key=lambda pair: -len(pair[0]),
    )
    if {"yes", "no"} == {label.lower() for label in labels}:
        opening = next((label for words, label in spelled if words and found[: len(words)] == words), None)
        if opening is not None:
            return Reading(opening)
    affirmed, denied = _mentions(found, spelled)
    if len(affirmed) == 1:
        return Reading(affirmed.pop())
    if affirmed:
        return Reading(None, "multiple")
    plain = " ".join(found)
    evasive = denied or any(re.search(rf"\b{phrase}\b", plain) for phrase in _EVASIONS)
    return Reading(None, "evasive" if evasive else "off-task")


def _mentions(found: list[str], spelled: list[tuple[list[str], str]]) -> tuple[set[str], set[str]]:
    """Labels affirmed and labels denied, read from left to right."""
    affirmed: set[str] = set()
    denied: set[str] = set()
    negated_until = place = 0
    while place < len(found):
        match = next(
            ((words, label) for words, label in spelled if words and found[place : place + len(words)] == words), None
        )
        if match:
            words, label = match
            (denied if place < negated_until else affirmed).add(label)
            place += len(words)
            continue
        if found[place] in _BOUNDARIES:
            negated_until = 0
        elif found[place] in _NEGATIONS:
            negated_until = place + 1 + _REACH
        place += 1
    return affirmed, denied - affirmed
