"""Accuracy of answers that are compared as text, not searched for a label."""

import unicodedata
from collections.abc import Mapping

from salmonn_eval.records import Measure
from salmonn_eval.scorers.accuracy import Accuracy
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Signature
from salmonn_eval.scorers.ratio import HitScorer


def accuracy(settings: Mapping[str, str], context: ScorerContext) -> Scorer:
    """The metric `accuracy`: `match: labels` reads one closed label, `exact` and `normalized` compare text."""
    return Accuracy(settings, context) if settings["match"] == "labels" else TextAccuracy(settings, context)


class TextAccuracy(HitScorer):
    """Share of answers that equal a reference (a correct label, where there is no reference).

    `exact` compares code points; `normalized` the form that `normalized` gives.
    """

    metric = "accuracy"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._normalize = settings["match"] == "normalized"
        self.signature = Signature(self.metric, (("match", "normalized.1" if self._normalize else "exact"),))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hit, 1); `answer` is the text as it was compared."""
        sample, _, prediction = answer
        golds = sample.references or sample.labels
        if not golds:
            return Measure("unscored", why="the sample has no reference and no label")
        said = self._form(prediction.text or "")
        hit = said in {self._form(gold) for gold in golds}
        return self.scored(hit, 1, said, None if hit else "wrong")

    def _form(self, text: str) -> str:
        return normalized(text) if self._normalize else text


def normalized(text: str) -> str:
    """Lower case, white space squeezed, punctuation and symbols (Unicode P*, S*) off both ends."""
    words = " ".join(text.lower().split())
    start, end = 0, len(words)
    while start < end and _peripheral(words[start]):
        start += 1
    while end > start and _peripheral(words[end - 1]):
        end -= 1
    return words[start:end]


def _peripheral(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] in "PS"
