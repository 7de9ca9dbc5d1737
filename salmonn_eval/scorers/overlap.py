"""Word error rates of answers that write down several speakers at once."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

from rapidfuzz.distance import Levenshtein

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.assignment import cheapest_pairs
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature
from salmonn_eval.scorers.edit import Edits
from salmonn_eval.scorers.language import spaced_language
from salmonn_eval.scorers.normalize import NORMALIZERS
from salmonn_eval.scorers.rules.splitter import streams
from salmonn_eval.scorers.wer import WordErrorRate

MOST_SPEAKERS = 4
"""Orders grow as the factorial of the speakers: 24 of four."""


class OrderFreeWordErrorRate(WordErrorRate):
    """WER in percent of the whole answer against the speakers' words one after the other, in the order that is nearest.

    A sample's references are its speakers' utterances, one each. The answer is not split, so nothing is won or lost by
    how it marks its parts.
    """

    metric = "osr_wer"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(settings, context)
        self.signature = _signature(self.metric, settings, context, (("refs", "all-in-any-order"),))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (edits, words of all speakers)."""
        speakers = len(answer[0].references)
        if speakers > MOST_SPEAKERS:
            return Measure("unscored", why=f"{speakers} speakers; at most {MOST_SPEAKERS} can be tried in every order")
        return super().measure_one(answer)

    def targets(self, sample: Sample) -> list[Sequence[str]]:
        """The words of all speakers in every order: the nearest counts."""
        spoken = [self.units(reference) for reference in sample.references[:MOST_SPEAKERS]]
        return [[word for words in order for word in words] for order in permutations(spoken)]


class ConcatenatedPermutationWordErrorRate(WordErrorRate):
    """cpWER in percent (Watanabe et al. 2020): the answer's parts are given to the speakers so that edits are fewest.

    `splitter: marks` parts the answer by `Speaker N:` (parts of one speaker are joined), else by lines, semicolons or
    sentence ends; `lines` takes each line as one part, also an empty one. A speaker without a part is deleted, a part
    without a speaker inserted; the measure's `why` tells when the numbers differ.
    """

    metric = "cpwer"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(settings, context)
        self._split = _SPLITTERS[settings["splitter"]]
        self.signature = _signature(
            self.metric, settings, context, (("refs", "all-assigned"), ("splitter", f"{settings['splitter']}.1"))
        )

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (edits of the best assignment, words of all speakers)."""
        sample, _, prediction = answer
        if not sample.references:
            return Measure("unscored", why="the sample has no reference")
        parts = self._split(prediction.text or "")
        spoken = [self.units(reference) for reference in sample.references]
        found = _assigned([self.units(part) for part in parts], spoken)
        why = None if len(parts) == len(spoken) else f"{len(parts)} part(s) for {len(spoken)} speaker(s)"
        return self.scored(found.edits, found.units, why=why)

    def edits_of(self, hypothesis: Sequence[str], sample: Sample) -> Edits:
        """Edits of one part alone against all speakers; with no words, those of an empty answer."""
        return _assigned([hypothesis], [self.units(reference) for reference in sample.references])


def _assigned(parts: list[Sequence[str]], spoken: list[list[str]]) -> Edits:
    """Edits of the best one-to-one assignment; the side that is shorter is filled up with silence."""
    size = max(len(parts), len(spoken))
    silence: list[Sequence[str]] = [()]
    rows = [*parts, *silence * (size - len(parts))]
    columns = [*spoken, *silence * (size - len(spoken))]
    costs = [[Levenshtein.distance(part, words) for words in columns] for part in rows]
    return Edits(sum(costs[row][column] for row, column in cheapest_pairs(costs)), sum(map(len, spoken)))


def _lines(text: str) -> list[str]:
    return text.split("\n")


_SPLITTERS: Mapping[str, Callable[[str], list[str]]] = {"marks": streams, "lines": _lines}


def _signature(
    metric: str, settings: Mapping[str, str], context: ScorerContext, more: tuple[tuple[str, str], ...]
) -> Signature:
    language = spaced_language(metric, context.language, "leave the metric out")
    norm = str(NORMALIZERS[settings["normalizer"]])
    return Signature(
        metric, (("norm", norm), ("lang", language or "unknown"), ("agg", "corpus"), ("empty-ref", "ins"), *more)
    )
