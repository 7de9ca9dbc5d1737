"""Phone error rate."""

from collections.abc import Mapping, Sequence

from salmonn_eval.records import Sample
from salmonn_eval.scorers.base import ScorerContext, Signature
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.phones import PhoneString, fold39, read_phones


class PhoneErrorRate(ErrorRate):
    """PER in percent over ARPAbet phones parted by white space, upper and lower case alike.

    `phone_set: stress` compares phones with their stress digits and counts silences; `folded39` drops both. Tokens
    that are no phones stay in the count, where they are errors, and are named in the measure's `why`.
    """

    metric = "per"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._folded = settings["phone_set"] == "folded39"
        self.signature = Signature(
            "per",
            (("phones", settings["phone_set"]), ("agg", "corpus"), ("empty-ref", "ins"), ("refs", "nearest")),
        )

    def units(self, text: str) -> Sequence[str]:
        """The phones of a text."""
        tokens = read_phones(text).tokens
        return fold39(tokens) if self._folded else tokens

    def remark(self, text: str, hypothesis: Sequence[str], sample: Sample) -> str | None:
        """How many tokens of the answer are no phones."""
        return _foreign(read_phones(text)) or super().remark(text, hypothesis, sample)


def _foreign(read: PhoneString) -> str | None:
    if not read.foreign and not read.stray:
        return None
    parts = [f"{len(read.foreign)} of {len(read.tokens)} tokens are no phones"] if read.foreign else []
    parts += [f"{read.stray} stress digits have no vowel"] if read.stray else []
    return "; ".join(parts)
