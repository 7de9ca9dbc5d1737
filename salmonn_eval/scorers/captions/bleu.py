"""BLEU4 of captions as the COCO caption evaluation computes it."""

from collections.abc import Mapping, Sequence

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import ScorerContext, Signature, Stats
from salmonn_eval.scorers.captions.captions import Caption, CaptionScorer
from salmonn_eval.scorers.captions.ngrams import ORDERS, ngram_counts
from salmonn_eval.scorers.captions.ptb import TOKENIZER

_TINY, _SMALL = 1e-15, 1e-9
"""What coco-caption adds to matches and to guesses, so that nothing is divided by zero: part of its numbers."""


class CocoBleu4(CaptionScorer):
    """BLEU4 in points over the whole test set, from summed counts.

    Statistics [10]: matched n-grams of orders 1 to 4, those of the answer, the answer's length and that of the
    reference nearest in length (the shorter of two as near).
    """

    metric = "coco_bleu4"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self.signature = Signature(self.metric, (TOKENIZER, ("ref-len", "closest"), ("eps", "coco"), ("agg", "corpus")))

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of the counts; an answer's own value is its BLEU4 alone."""
        return [self._measure(_counts(caption)) for caption in captions]

    def _measure(self, stats: Stats) -> Measure:
        return Measure("scored", tuple(stats.tolist()), float(self.combine(stats[None, :], np.ones(1))))

    def worst(self, sample: Sample) -> Stats:
        """Counts of an empty answer; nothing where the sample has no reference."""
        return self._end(sample, "")

    def best(self, sample: Sample) -> Stats:
        """Counts of the first reference; nothing where the sample has none."""
        return self._end(sample, sample.references[0] if sample.references else "")

    def _end(self, sample: Sample, answer: str) -> Stats:
        caption = self.alone(sample, answer)
        return np.zeros(2 * ORDERS + 2) if caption is None else _counts(caption)

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """BLEU4 [...] in points from statistics [n, 10]; NaN where the references have no length."""
        sums = weights @ stats
        matched, guessed = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
        length, reference = sums[..., -2], sums[..., -1]
        precision = np.prod((matched + _TINY) / (guessed + _SMALL), axis=-1) ** (1 / ORDERS)
        ratio = (length + _TINY) / (reference + _SMALL)
        brevity = np.exp(np.minimum(0.0, 1 - 1 / ratio))
        return np.where(reference > 0, 100.0 * precision * brevity, np.nan)


def _counts(caption: Caption) -> Stats:
    """Statistics [10] of one caption; a match counts at most as often as in the reference that holds it most often."""
    words = caption.answer.split()
    references = [ngram_counts(reference.split()) for reference in caption.references]
    matched = np.zeros(ORDERS)
    for ngram, count in ngram_counts(words).items():
        matched[len(ngram) - 1] += min(count, max(counts.get(ngram, 0) for counts in references))
    guessed = [max(0, len(words) - order) for order in range(ORDERS)]
    lengths = [len(reference.split()) for reference in caption.references]
    nearest = min(lengths, key=lambda length: (abs(length - len(words)), length))
    return np.array([*matched, *guessed, len(words), nearest])
