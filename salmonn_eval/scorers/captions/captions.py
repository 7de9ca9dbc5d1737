"""The common part of caption metrics: batches of tokenized answers and references, and what cannot be scored."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar

import numpy as np
from msgspec import Struct

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Stats
from salmonn_eval.scorers.captions.process import JavaFault
from salmonn_eval.scorers.captions.ptb import PtbTokenizer
from salmonn_eval.scorers.language import only

MAX_CHARACTERS = 20_000
"""A longer answer or reference never reaches the tokenizer."""


class Caption(Struct, frozen=True):
    """PTB tokens of an answer and of its references, each joined by single spaces."""

    answer: str
    references: tuple[str, ...]


class CaptionScorer(Scorer):
    """A metric of English captions over PTB tokens, in points (a hundred times the usual score).

    What cannot be scored is unscored with its reason: a sample without a reference, or whose references hold no word,
    and texts of more than `max_words` tokens or `MAX_CHARACTERS` characters.
    """

    unit = "points"
    better = "higher"
    batch: ClassVar[int] = 500
    max_words: ClassVar[int] = 4_000

    def __init__(self, context: ScorerContext) -> None:
        only(self.metric, context.language, ("en",))
        self._shared = context.shared

    @abstractmethod
    def score(self, captions: Sequence[Caption]) -> Sequence[Measure]:
        """One Measure a caption; all of them have a reference with words in it."""

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """One Measure per answer, in order; works in batches of `batch`."""
        feed = iter(answers)
        while batch := list(islice(feed, self.batch)):
            found = self.captions([(sample, prediction.text or "") for sample, _, prediction in batch])
            measures = iter(self.score([caption for caption in found if isinstance(caption, Caption)]))
            for caption in found:
                yield next(measures) if isinstance(caption, Caption) else Measure("unscored", why=caption)

    def captions(self, pairs: Sequence[tuple[Sample, str]]) -> list[Caption | str]:
        """Tokenize answers with their samples' references; a sentence where that cannot be."""
        faults = [_fault(sample, text) for sample, text in pairs]
        fine = [pair for pair, fault in zip(pairs, faults, strict=True) if fault is None]
        texts = [text for sample, answer in fine for text in (answer, *sample.references)]
        tokens = iter(self._shared.get(PtbTokenizer).tokenize(texts))
        found: list[Caption | str] = []
        for (sample, _), fault in zip(pairs, faults, strict=True):
            own = list(islice(tokens, 1 + len(sample.references))) if fault is None else []
            found.append(fault or self._checked(own))
        return found

    def _checked(self, tokens: Sequence[str | JavaFault]) -> Caption | str:
        words: list[str] = []
        for what, text in zip(("answer", *("reference",) * (len(tokens) - 1)), tokens, strict=True):
            if isinstance(text, JavaFault):
                return f"the {what} cannot be tokenized: {text}"
            if text.count(" ") >= self.max_words:
                return f"the {what} has more than {self.max_words} words"
            words.append(text)
        if not any(words[1:]):
            return "no word of the references is left after tokenizing"
        return Caption(words[0], tuple(words[1:]))

    def alone(self, sample: Sample, answer: str) -> Caption | None:
        """One answer with its sample's references, tokenized; None where that cannot be."""
        found = self.captions([(sample, answer)])[0]
        return found if isinstance(found, Caption) else None


class MeanCaptionScorer(CaptionScorer):
    """A mean over clips: statistics (score, 1), value 100 · Σ score / Σ 1."""

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """Mean [...] in points; NaN without weight."""
        sums = weights @ stats
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(sums[..., 1] > 0, 100.0 * sums[..., 0] / sums[..., 1], np.nan)

    def worst(self, sample: Sample) -> Stats:
        """A score of 0; no weight where the sample has no reference."""
        return mean_stats(0.0 if sample.references else None)

    def best(self, sample: Sample) -> Stats:
        """A score of 1; no weight where the sample has no reference."""
        return mean_stats(1.0 if sample.references else None)


def mean_stats(score: float | None) -> Stats:
    """Statistics (score, 1) of one clip, or (0, 0) of none."""
    return np.array([score, 1.0]) if score is not None else np.zeros(2)


def mean_measure(score: float) -> Measure:
    """The Measure of a clip's score between 0 and 1 (CIDEr-D: 10), in points."""
    return Measure("scored", (score, 1.0), 100.0 * score)


def _fault(sample: Sample, answer: str) -> str | None:
    if not sample.references:
        return "the sample has no reference"
    for what, texts in (("answer", (answer,)), ("reference", sample.references)):
        if any(len(text) > MAX_CHARACTERS for text in texts):
            return f"the {what} has more than {MAX_CHARACTERS} characters"
    return None
