"""Which languages a metric can handle."""

from collections.abc import Collection

from salmonn_eval.errors import UsageError

UNSPACED = frozenset(("zh", "yue", "ja", "th", "lo", "km", "my"))
"""Languages written without spaces between words (ISO 639): what counts words means nothing in them."""


def base_language(language: str | None) -> str | None:
    """`zh` of `zh-CN`."""
    return language and language.replace("_", "-").split("-")[0].lower()


def spaced_language(metric: str, language: str | None, instead: str) -> str | None:
    """The base language of answers whose words a metric counts; UsageError where they have no spaces between words."""
    base = base_language(language)
    if base in UNSPACED:
        raise UsageError(f"metric {metric!r} cannot count words of {base!r}, which has no spaces; {instead}")
    return base


def only(metric: str, language: str | None, handled: Collection[str]) -> str:
    """The base language of the answers; UsageError for one that the metric does not handle, or for none."""
    base = base_language(language)
    if base is None or base not in handled:
        found = f"is {base!r}" if base else "is not known"
        raise UsageError(
            f"metric {metric!r} handles {', '.join(sorted(handled))} only, but the answers' language {found}; "
            "set `language` or leave the metric out"
        )
    return base
