"""What must be the same before two values are compared: scoring, question and, for one model, its settings.

The fingerprints are readable (`asr.mini|n:100|items:...`), so a refusal names the part that differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Variant
from salmonn_eval.report.rows import UNKNOWN

Choice = Mapping[str, Any]
"""Fields of a variant with the value asked for: `{"lora_scale": 1.0}`."""

# What a swept field changes in the fingerprints: only that may differ between two variants that are compared.
_ASKED = {"prompt_set": {"prompts", "instructions"}, "condition": {"condition"}, "seed": {"condition"}}
_SYSTEM = {"lora_scale": {"scale"}}
SUBSET = frozenset({"n", "items", "instructions"})
"""Parts of `asked` that a subset changes: compared item by item instead, where the intersection is."""


def choice(option: str, text: str | None) -> Choice:
    """`lora_scale=1,condition=none` as fields of a variant; empty for None.

    Raises UsageError for a field that no variant has, or a value that it cannot take.
    """
    found: dict[str, Any] = {}
    for word in [] if text is None else text.split(","):
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or name not in Variant.__struct_fields__:
            fields = ", ".join(Variant.__struct_fields__)
            raise UsageError(f"{option} {text}: expected FIELD=VALUE with a FIELD of {fields}, e.g. lora_scale=1")
        found[name] = value
    try:
        made = msgspec.convert(found, Variant, strict=False)
    except msgspec.ValidationError as fault:
        raise UsageError(f"{option} {text}: {fault}; expected e.g. lora_scale=1 or condition=silence") from fault
    return {name: getattr(made, name) for name in found}


def paired_variants(
    left: Sequence[Variant], right: Sequence[Variant], chosen: Choice, against: Choice
) -> Iterator[tuple[Variant, Variant]]:
    """Variants that fit `chosen` beside those that fit `against` and are otherwise the same."""
    free = {*chosen, *against}
    for a in left:
        for b in right:
            fits = _fits(a, chosen) and _fits(b, against)
            if fits and all(getattr(a, f) == getattr(b, f) for f in Variant.__struct_fields__ if f not in free):
                yield a, b


def _fits(variant: Variant, chosen: Choice) -> bool:
    return all(getattr(variant, field) == value for field, value in chosen.items())


def changed_fields(a: Variant, b: Variant) -> frozenset[str]:
    """The fields in which two variants differ."""
    return frozenset(field for field in Variant.__struct_fields__ if getattr(a, field) != getattr(b, field))


def differing(a: str, b: str, but: frozenset[str] = frozenset()) -> tuple[str, str] | None:
    """The parts of two fingerprints that differ, apart from the parts named in `but`; None where none does.

    An unknown fingerprint (an import, a published row) differs from nothing.
    """
    if UNKNOWN in (a, b) or a == b:
        return None
    parts = [[part for part in text.split("|") if part.partition(":")[0] not in but] for text in (a, b)]
    only = [[part for part in mine if part not in other] for mine, other in (parts, parts[::-1])]
    told = " ".join(only[0]) or "nothing", " ".join(only[1]) or "nothing"
    return told if only[0] or only[1] else None


def asked_but(changed: frozenset[str]) -> frozenset[str]:
    """The parts of `asked` that variants which differ in these fields may differ in."""
    return frozenset().union(*(_ASKED.get(field, set()) for field in changed))


def system_but(changed: frozenset[str]) -> frozenset[str]:
    """The parts of `system` that variants which differ in these fields may differ in."""
    return frozenset().union(*(_SYSTEM.get(field, set()) for field in changed))
