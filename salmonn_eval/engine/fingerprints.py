"""`asked` and `system`: what was asked and how the answerer was set; readable, so a difference explains itself."""

import hashlib

from salmonn_eval.canonical import canonical
from salmonn_eval.engine.plan import PlanRow
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Generation, Sample, Variant

UNKNOWN = "unknown"
DIGITS = 10


class AskedDigest:
    """Accumulates one variant's items (id, references, labels) and wordings; the order of a test set does not count."""

    def __init__(self, name: str, variant: Variant) -> None:
        self._name = name
        self._variant = variant
        self._items: list[bytes] = []
        self._instructions: list[bytes] = []

    def add(self, row: PlanRow, sample: Sample) -> None:
        """Take one planned request in."""
        self._items.append(_digest([sample.id, sample.references, sample.labels]))
        self._instructions.append(_digest([sample.id, row.request.instruction]))

    def __str__(self) -> str:
        condition = self._variant.condition
        seed = f".{self._variant.seed}" if condition != "none" else ""
        return "|".join(
            [
                self._name,
                f"n:{len(self._items)}",
                f"items:{_joint(self._items)}",
                f"instructions:{_joint(self._instructions)}",
                f"prompts:{self._variant.prompt_set}",
                f"condition:{condition}{seed}",
            ]
        )


def judged(asked: str, judge: str | None) -> str:
    """`asked` of what a judge decides: `judge:MODEL` joins it, unless what was asked is unknown."""
    return asked if judge is None or asked == UNKNOWN else f"{asked}|judge:{judge}"


def _digest(value: object) -> bytes:
    return hashlib.sha256(canonical(value)).digest()[:8]


def _joint(digests: list[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()[:DIGITS]


def system(card: ModelCard, generation: Generation, variant: Variant) -> str:
    """The answerer's settings: decoding, LoRA scale, dtype, audio policy; `unknown` for answers made elsewhere."""
    if card.capabilities.decoding == "unknown":
        return UNKNOWN
    policy = card.audio
    limit = f"{policy.long_audio}@{policy.max_s:g}s" if policy.max_s else "unlimited"
    decoding = ["decoding:own"] if card.capabilities.decoding == "own" else _decoding(generation)
    scale = [] if variant.lora_scale is None else [f"scale:{variant.lora_scale:g}"]
    return "|".join([*decoding, *scale, f"dtype:{card.dtype}", f"audio:{limit},{policy.channels}"])


def _decoding(generation: Generation) -> list[str]:
    """Beams and cap always; the rest where it is not the plain setting."""
    parts = [f"beams:{generation.num_beams}", f"cap:{generation.max_new_tokens}"]
    if generation.do_sample:
        parts.append(f"sampled:t{generation.temperature:g},p{generation.top_p:g}")
    for name in ("repetition_penalty", "length_penalty"):
        if (value := getattr(generation, name)) != 1.0:
            parts.append(f"{name.replace('_', '-')}:{value:g}")
    return parts
