"""The normalizers by name."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.normalize.whisper import whisper_basic, whisper_english

_REMEMBERED = 8_192  # a text is normalized when measured and again for bounds


class Normalizer(Struct, frozen=True):
    """One normalizer. `load` returns the function; `languages` limits what it may be given (None: any)."""

    name: str
    version: int
    load: Callable[[], Callable[[str], str]]
    languages: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """`name.version`, as it stands in signatures."""
        return f"{self.name}.{self.version}"


NORMALIZERS: Mapping[str, Normalizer] = {
    entry.name: entry
    for entry in (
        Normalizer("plain", 1, lambda: plain),
        Normalizer("whisper-en", 1, whisper_english, ("en",)),
        Normalizer("whisper-basic", 1, whisper_basic),
        Normalizer("none", 1, lambda: str),
    )
}


def normalizer(name: str, language: str | None) -> Callable[[str], str]:
    """The function of a named normalizer for texts of a language (ISO 639-1).

    Raises UsageError where it cannot handle the language, or the language is not known and it matters.
    """
    entry = NORMALIZERS[name]
    if entry.languages is not None and language not in entry.languages:
        found = f"the answers' language is {language!r}" if language else "the answers' language is not known"
        raise UsageError(
            f"normalizer {name!r} is for {', '.join(entry.languages)} only, but {found}; "
            "set `language` or choose `normalizer: whisper-basic` or `plain`"
        )
    return _remembering(name)


@cache
def _remembering(name: str) -> Callable[[str], str]:
    return lru_cache(maxsize=_REMEMBERED)(NORMALIZERS[name].load())
