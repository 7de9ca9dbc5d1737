"""Writing systems and languages of short texts."""

# ruff: noqa: RUF001 - look-alike characters are what this module is about

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

HAN = "㐀-䶿一-鿿豈-﫿々〇"
KANA = "ぁ-ゖゝゞァ-ヺヽヾㇰ-ㇿｦ-ｯｱ-ﾝ"  # the middle dot and the long-vowel mark stand in Chinese texts too
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
SCRIPTS: Mapping[str, str] = {
    **dict.fromkeys("en de fr es it pt nl sv da no fi pl cs ro hu tr vi id ca".split(), _LATIN),
    **dict.fromkeys(("zh", "yue"), HAN),
    "ja": HAN + KANA,
    "ko": "가-힣ᄀ-ᇿ㄰-㆏",
    **dict.fromkeys("ru uk bg".split(), "Ѐ-ӿ"),
    **dict.fromkeys("ar fa ur".split(), "؀-ۿݐ-ݿ"),
    "el": "Ͱ-Ͽ",
    "hi": "ऀ-ॿ",
}
"""Letters of each language's script (ISO 639-1), as the inside of a character class."""

TOLD_APART = ("de", "en", "ja", "zh")
_FREQUENT: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        "the of and to a that he it with his is as for you had but be her she they by this him which".split()
    ),
    "de": frozenset(
        "der die und den das ist nicht zu ein eine mit sich des auf für im dem er sie es ich von wird".split()
    ),
}
"""Words so frequent in one of the two languages, and foreign to the other, that a fifth of them settles it."""
_SETTLES = 0.2
_FEWEST_WORDS = 3
_CLEAR = 6.0  # nats between the two likeliest languages


def script_share(text: str, letters: str) -> float:
    """Share of the text's letters that belong to a character class; 0 without letters."""
    total = sum(map(str.isalpha, text))
    return count(text, letters) / total if total else 0.0


def count(text: str, letters: str) -> int:
    """How many characters of a class the text has."""
    if text.isascii():
        return sum(map(str.isalpha, text)) if letters == _LATIN else 0
    return len(re.findall(f"[{letters}]", text))


def identify(text: str) -> str | None:
    """Which of German, English, Japanese and Chinese the text is in; None where it cannot be told.

    The script decides first, then frequent words; what they leave open goes to py3langid, restricted to the languages
    in question: right on three words and more, a guess on fewer and where two languages are about as likely ("ten am
    tomorrow" might be German), which are None.
    """
    if script_share(text, HAN + KANA) >= 0.5:
        return "ja" if count(text, KANA) else "zh"
    words = text.lower().split()
    if script_share(text, _LATIN) < 0.5 or len(words) < _FEWEST_WORDS:
        return None
    telling = {language: sum(word in frequent for word in words) for language, frequent in _FREQUENT.items()}
    if min(telling.values()) == 0 and max(telling.values()) >= _SETTLES * len(words):
        return max(telling, key=telling.__getitem__)
    (first, best), (_, second) = _identifier().rank(text)[:2]
    return str(first) if best - second >= _CLEAR else None


@cache
def _identifier() -> "LanguageIdentifier":
    """The identifier, restricted to the languages told apart; loading takes most of a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(TOLD_APART)
    return identifier
