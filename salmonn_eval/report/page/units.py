"""What an answer and its references are parted into before they are aligned: the units that the metric counts."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from salmonn_eval.report.scored import ScoredSet
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.language import UNSPACED, base_language
from salmonn_eval.scorers.per import PhoneErrorRate

BETWEEN = "\x1f"
"""Stands between units in the page's data: a control character that no unit holds."""


class Units(Struct, frozen=True):
    """`what` is counted (words, characters, phones; "": nothing is aligned), and how a text is parted into it."""

    what: str
    part: Callable[[str], Sequence[str]]

    def packed(self, text: str) -> str:
        """The units of a text as one string; "" where parting it at spaces gives the same."""
        units = [unit.replace(BETWEEN, "") for unit in self.part(text)]
        return "" if units == text.split(" ") else BETWEEN.join(units) or BETWEEN


def units_of(held: ScoredSet) -> Units:
    """Those of the set's first error rate; without one words, or characters of a language without spaces.

    Sets that are answered by a label, and sets without references, have nothing to align.
    """
    rates = [metric.scorer for metric in held.metrics if isinstance(metric.scorer, ErrorRate)]
    if rates:
        return Units(_named(rates[0]), rates[0].units)
    if held.question.task.labels or not any(item.sample.references for item in held.items.values()):
        return Units("", str.split)
    if base_language(held.question.language) in UNSPACED:
        return Units("characters", lambda text: list("".join(text.split())))
    return Units("words", lambda text: text.lower().split())


def _named(scorer: ErrorRate) -> str:
    return "phones" if isinstance(scorer, PhoneErrorRate) else "characters" if scorer.metric == "cer" else "words"
