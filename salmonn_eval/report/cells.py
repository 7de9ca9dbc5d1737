"""Numbers and names as they are printed, and how wide they are on a terminal."""

import unicodedata
from collections.abc import Sequence

from salmonn_eval.records import MetricValue, Variant

# Decimals by unit: as the field prints them (10.27 % WER, a following rate of 0.981).
_DECIMALS = {"percent": 2, "points": 2, "fraction": 3, "words": 1}
UNIT_MARK = {"percent": " %", "points": "", "fraction": "", "words": " words"}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, unit: str) -> str:
    """A value in its unit's decimals, with a true minus sign and never a negative zero."""
    text = f"{value:.{_DECIMALS[unit]}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "\N{MINUS SIGN}")


def quantity(value: MetricValue) -> str:
    """The value with its interval: `10.27 [9.55, 11.02]`; the status word where there is no value."""
    if value.value is None:
        return value.status
    text = number(value.value, value.unit)
    if value.ci is not None:
        text += f" [{number(value.ci.low, value.unit)}, {number(value.ci.high, value.unit)}]"
    return text


def metric_name(value: MetricValue, settings: Sequence[str] = ()) -> str:
    """Metric, unit, the better direction and distinguishing settings: `wer % ↓ (norm:plain.1)`."""
    arrow = "↓" if value.better == "lower" else "↑"
    told = f" ({', '.join(settings)})" if settings else ""
    return f"{value.metric}{UNIT_MARK[value.unit]} {arrow}{told}"


def variant_name(variant: Variant) -> str:
    """What differs from the plain variant, in words; empty where nothing does."""
    parts = [
        f"scale {variant.lora_scale:g}" if variant.lora_scale is not None else "",
        f"prompts {variant.prompt_set}" if variant.prompt_set != "release" else "",
        variant.condition if variant.condition != "none" else "",
        f"seed {variant.seed}" if variant.seed else "",
    ]
    return ", ".join(part for part in parts if part)


def mark(numbers: Sequence[int]) -> str:
    """Footnote marks: `¹,²`."""
    return ",".join(str(n).translate(_SUPERSCRIPTS) for n in numbers)


def width(text: str) -> int:
    """Terminal columns: East Asian wide and full-width characters take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill with spaces to `columns`, on the left where `right` aligns."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def shorten(text: str, columns: int) -> str:
    """Cut to `columns`, the cut shown by an ellipsis."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    return kept + "…"


def fill(text: str, columns: int, indent: str = "", first: str = "") -> list[str]:
    """Break a text at spaces into lines of at most `columns`, the first after `first`, the others after `indent`."""
    lines = [first]
    for word in text.split():
        if lines[-1].strip() and width(f"{lines[-1]} {word}") > columns:
            lines.append(indent + word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
    return lines
