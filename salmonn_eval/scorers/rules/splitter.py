"""Parting an answer into the utterances of several speakers, or into the entries of a list."""

# ruff: noqa: RUF001 - look-alike characters are what this module is about

import re
from collections.abc import Sequence

_SPEAKER = re.compile(
    r"(?:^|[\s;,.])(?:the\s+)?(?:speaker|person|voice)\s+(?:\d+|[a-d]|one|two)\s*(?:says)?\s*[:,-]", re.I
)
_UTTERANCE_ENDS: Sequence[re.Pattern[str]] = (
    _SPEAKER,
    re.compile(r"\n+"),
    re.compile(r"\s*[;；]\s*"),
    re.compile(r"(?<=[.!?。！？])\s+(?=\S)|(?<=[。！？])"),
)
_ENTRY_ENDS = re.compile(r"[,;\n，；、]+")
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])\s*")
_OPENING = re.compile(r"^[^:\n]{0,60}\bkey\s*(?:words?|phrases?)\b[^:\n]{0,30}:", re.I)


def utterances(text: str) -> list[str]:
    """The answer's utterances, parted by the strongest mark it has.

    Marks in order: `Speaker N:`, new lines, semicolons, sentence ends. One utterance where there is no mark.
    """
    for mark in _UTTERANCE_ENDS:
        parts = [part.strip(" \t;,") for part in mark.split(text)]
        parts = [part for part in parts if any(char.isalnum() for char in part)]
        if len(parts) > 1 or (mark is _SPEAKER and mark.search(text)):
            return parts
    return parts


def streams(text: str) -> list[str]:
    """What each speaker says: turns marked with the same `Speaker N:` joined; without such marks the utterances.

    Words before the first mark are a stream of their own.
    """
    turns = list(_SPEAKER.finditer(text))
    if not turns:
        return utterances(text)
    spoken: dict[str, list[str]] = {"": [text[: turns[0].start()]]}
    for turn, end in zip(turns, [*(turn.start() for turn in turns[1:]), len(text)], strict=True):
        name = " ".join(word for word in re.findall(r"\w+", turn.group().lower()) if word not in ("the", "says"))
        spoken.setdefault(name, []).append(text[turn.end() : end])
    joined = (" ".join(" ".join(parts).split()).strip(" ;,") for parts in spoken.values())
    return [stream for stream in joined if any(char.isalnum() for char in stream)]


def entries(text: str) -> list[str]:
    """The entries of a list parted by commas, semicolons or lines; numbering, a leading `and` and stops are off."""
    parts = (
        _NUMBERING.sub("", part).strip().rstrip(".。") for part in _ENTRY_ENDS.split(_OPENING.sub("", text.strip()))
    )
    bare = (re.sub(r"^and\s+", "", part, flags=re.I) for part in parts)
    return [part for part in bare if any(char.isalnum() for char in part)]
