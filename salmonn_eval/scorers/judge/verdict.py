"""A judge's reply read strictly: a JSON object with a verdict, or nothing."""

import json
import re
from typing import Any

from msgspec import Struct

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>.*?)\n?```", re.DOTALL)
_LONGEST_REASON = 300


class Verdict(Struct, frozen=True):
    """The verdict's word as the prompt spells it, and the judge's reason where it gives one."""

    word: str
    reason: str | None = None


def read_verdict(text: str, words: tuple[str, ...]) -> Verdict | None:
    """The verdict of a reply, or None where it is anything else than asked for.

    The whole reply must be one JSON object, bare or inside one Markdown fence, whose `verdict` is exactly one of
    `words`; a `reason` may stand beside it. Words around the object, two verdicts or another spelling are no verdict.
    """
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(fenced["inside"] if fenced else text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("verdict") not in words:
        return None
    reason = found.get("reason")
    said = " ".join(reason.split())[:_LONGEST_REASON] if isinstance(reason, str) else None
    return Verdict(found["verdict"], said or None)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found
