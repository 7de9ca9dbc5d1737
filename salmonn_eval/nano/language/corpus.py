"""Training text: every task with words in place of the audio."""

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from msgspec import Struct

from salmonn_eval.nano.sound.voices import voices
from salmonn_eval.nano.world.deal import Deal
from salmonn_eval.nano.world.instructions import draw_wording
from salmonn_eval.nano.world.items import Item, item, stand_in
from salmonn_eval.nano.world.scenes import told_of

# Task -> how often, and the kinds of scene that it is asked about. German and Japanese need twice the steps.
MIX: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "asr": (14, ("speech", "emotional", "question", "background")),
    "en2zh": (14, ("speech",)),
    "en2de": (19, ("speech",)),
    "en2ja": (19, ("speech",)),
    "aac": (4, ("events",)),
    "pr": (18, ("speech", "question")),
    "er": (2.5, ("emotional",)),
    "mc": (2, ("music",)),
    "osr": (8, ("mixed",)),
    "sv": (5, ("joined",)),
    "gr": (5, ("speech", "emotional")),
    "sqa": (5, ("speech",)),
    "aqa": (8, ("events",)),
    "mqa": (2, ("music",)),
    "ke": (5, ("speech",)),
    "sf": (5, ("speech",)),
    "sqqa": (5, ("question",)),
    "sac": (9, ("background",)),
    "story": (7, ("speech", "events")),
}


class Example(Struct, frozen=True):
    """What stands in place of the audio, the instruction, the item."""

    heard: str
    instruction: str
    item: Item


def draw_example(
    rng: Random, deal: Deal = "train", task: str | None = None, *, lean: Mapping[str, float] = MappingProxyType({})
) -> Example:
    """A random example, of one task or of the mix; `lean` multiplies shares of the mix."""
    name = task or rng.choices(list(MIX), [weight * lean.get(name, 1.0) for name, (weight, _) in MIX.items()])[0]
    # Unseen skeletons: only sentences have them, and who speaks is not heard.
    kinds = ("speech",) if deal == "unseen" else MIX[name][1]
    told = told_of(rng.choice(kinds), rng, deal, voices("train" if deal == "unseen" else deal))
    (found,) = item(name, told, rng)
    return Example(stand_in(told, name, rng), draw_wording(rng, name, found.asked), found)
