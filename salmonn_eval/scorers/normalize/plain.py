"""The normalizer `plain`: lower case, punctuation off, nothing else."""

# ruff: noqa: RUF001 - look-alike characters are what this module is about

import re
import sys
import unicodedata
from functools import cache

_APOSTROPHES = "’ʼ`´＇"
_OUTER_APOSTROPHE = re.compile(r"(?<!\w)'+|'+(?!\w)")
_ASCII_MARKS = re.compile(r"[^0-9a-z'\s]+")


def plain(text: str) -> str:
    """Lower case; punctuation and symbols become spaces, white space is one space.

    An apostrophe inside a word stays (`don't`), typographic ones become `'`; a hyphen parts words. NFC; letters,
    digits and combining marks of every script stay, so no language is refused.
    """
    text = text.lower()
    if text.isascii():
        text = _ASCII_MARKS.sub(" ", text.replace("`", "'"))
    else:
        text = unicodedata.normalize("NFC", text).translate(_marks())
    return " ".join((_OUTER_APOSTROPHE.sub(" ", text) if "'" in text else text).split())


@cache
def _marks() -> dict[int, str]:
    """Punctuation, symbols and control characters (P, S, Cc) but the apostrophe, and what becomes of each."""
    marks = {
        code: " "
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)).startswith(("P", "S", "Cc")) and code != ord("'")
    }
    return marks | {ord(sign): "'" for sign in _APOSTROPHES}
