"""Whisper's text normalizers (Radford et al. 2022, appendix C), in transformers' form.

transformers ships the classes but not the spelling table; `english.json` beside this module is OpenAI's (MIT licence,
see `english.LICENSE.txt`). The one module is loaded by itself: importing it through its package would pull in much of
transformers, and scoring must start quickly and never load torch.
"""

import importlib.util
import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType

import msgspec

from salmonn_eval.errors import PrerequisiteError

_BRACKETS = re.compile(r"[<\[(]")
_SYMBOLS = ".%$¢€£"
_DIGIT_COMMA = re.compile(r"(\d),(\d)")
_STOP = re.compile(r"\.([^0-9]|$)")
_LONE_SIGN = re.compile(r"[.$¢€£]([^0-9])")
_LONE_PERCENT = re.compile(r"([^0-9])%")
_ASCII_MARKS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code).isprintable()} | {
    ord(sign): sign for sign in _SYMBOLS if sign.isascii()
}


@cache
def _module() -> ModuleType:
    package = importlib.util.find_spec("transformers")
    if package is None or not package.submodule_search_locations:
        raise PrerequisiteError(
            "the normalizers whisper-en and whisper-basic need the package transformers; install it"
        )
    path = Path(package.submodule_search_locations[0]) / "models" / "whisper" / "english_normalizer.py"
    spec = importlib.util.spec_from_file_location("salmonn_eval_whisper_normalizer", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PrerequisiteError(f"the installed transformers has no {path.name}; expected a version of 5.x")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def whisper_basic() -> Callable[[str], str]:
    """The normalizer for any language: lower case, bracketed parts out, symbols and marks to spaces."""
    basic: Callable[[str], str] = _module().BasicTextNormalizer()
    return lambda text: basic(text).strip()


def spelling_table() -> dict[str, str]:
    """British to American spellings (1,741 words), as OpenAI ships them."""
    data = resources.files("salmonn_eval.scorers.normalize").joinpath("english.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, str])


def whisper_english() -> Callable[[str], str]:
    """The English normalizer: contractions, titles, fillers, numbers, currencies and spellings.

    It equals `EnglishTextNormalizer` on every text, outer spaces aside, and is several times faster: a step that cannot
    change the text at hand (no apostrophe, no number, only ASCII ...) is passed over.
    """
    return _English(_module()).normalize


class _English:
    """The steps of `EnglishTextNormalizer`, each run only where it can act."""

    def __init__(self, module: ModuleType) -> None:
        self._whole = module.EnglishTextNormalizer(spelling_table())
        replacers = [(re.compile(pattern), new) for pattern, new in self._whole.replacers.items()]
        self._contractions = [(pattern, new) for pattern, new in replacers if "'" in pattern.pattern]
        self._replacers = replacers
        self._titles = re.compile("|".join(pattern.pattern for pattern, _ in replacers if "'" not in pattern.pattern))
        self._fillers = re.compile(self._whole.ignore_patterns)
        # "and" alone never makes a number; "half" is what "and a half" is looked for by
        self._number_words = (self._whole.standardize_numbers.words - {"and"}) | {"half"}

    def normalize(self, text: str) -> str:
        text = text.lower()
        if not text.isascii() or _BRACKETS.search(text):
            whole: str = self._whole(text)
            return whole.strip()
        text = self._fillers.sub("", text)
        text = self._expand(text)
        if "." in text or "," in text:
            text = _STOP.sub(r" \1", _DIGIT_COMMA.sub(r"\1\2", text))
        words = text.translate(_ASCII_MARKS).split()
        if not self._number_words.isdisjoint(words) or any(char.isdigit() for char in text):
            words = self._whole.standardize_numbers(" ".join(words)).split()
        spell = self._whole.standardize_spellings.mapping
        text = " ".join([spell.get(word, word) for word in words])
        if any(sign in text for sign in _SYMBOLS):
            text = _LONE_PERCENT.sub(r"\1 ", _LONE_SIGN.sub(r" \1", text))
            text = " ".join(text.split())
        return text

    def _expand(self, text: str) -> str:
        replacers = self._replacers if self._titles.search(text) else self._contractions if "'" in text else []
        if "'" in text:
            text = re.sub(r"\s+'", "'", text)
        for pattern, new in replacers:
            text = pattern.sub(new, text)
        return text
