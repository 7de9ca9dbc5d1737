"""CIDEr-D of captions (Vedantam et al. 2015, the variant D that coco-caption computes under the name CIDEr)."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import ScorerContext, Signature, Stats
from salmonn_eval.scorers.captions.captions import Caption, MeanCaptionScorer, mean_measure, mean_stats
from salmonn_eval.scorers.captions.ngrams import ORDERS, Ngram, ngram_counts
from salmonn_eval.scorers.captions.ptb import TOKENIZER

SIGMA = 6.0
SCALE = 10.0


class Vector(Struct, frozen=True):
    """TF-IDF weights of a text's n-grams, their norm per order, and its number of bigrams."""

    weights: dict[Ngram, float]
    norms: tuple[float, ...]
    bigrams: int


class Corpus(Struct, frozen=True):
    """In how many clips' references each n-gram stands, and how many clips there are."""

    frequency: Mapping[Ngram, int]
    clips: int

    def fingerprint(self) -> str:
        """16 hexadecimal digits that do not depend on the order of the clips."""
        rows = sorted(f"{' '.join(ngram)}\t{count}" for ngram, count in self.frequency.items())
        return hashlib.sha256("\n".join([str(self.clips), *rows]).encode()).hexdigest()[:16]

    def vector(self, text: str) -> Vector:
        """Weights tf · ln(clips / document frequency); an n-gram that no reference has counts as being in one."""
        weights: dict[Ngram, float] = {}
        squares = [0.0] * ORDERS
        whole = math.log(self.clips)
        bigrams = 0
        for ngram, count in ngram_counts(text.split()).items():
            weight = count * (whole - math.log(self.frequency.get(ngram, 1)))
            weights[ngram] = weight
            squares[len(ngram) - 1] += weight * weight
            bigrams += count if len(ngram) == 2 else 0
        return Vector(weights, tuple(math.sqrt(square) for square in squares), bigrams)

    def cider(self, caption: Caption) -> float:
        """CIDEr-D of one caption between 0 and 10: mean over its references and over n-gram orders."""
        answer = self.vector(caption.answer)
        similar = sum(_similarity(answer, self.vector(reference)) for reference in caption.references)
        return SCALE * similar / ORDERS / len(caption.references)


class Cider(MeanCaptionScorer):
    """CIDEr-D in points, mean over clips. Document frequencies come from all references of the test set (`prepare`)."""

    metric = "cider"
    needs_corpus = True

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self._corpus: Corpus | None = None
        self.signature = Signature(self.metric, (TOKENIZER, ("variant", "d"), ("n", "4"), ("sigma", f"{SIGMA:g}")))

    def prepare(self, references: Iterable[Sample]) -> None:
        """Count in how many clips each n-gram of the references stands; the counts' hash joins the signature."""
        frequency: Counter[Ngram] = Counter()
        clips = 0
        feed = iter(references)
        while batch := list(islice(feed, self.batch)):
            for caption in self.captions([(sample, "") for sample in batch]):
                if isinstance(caption, Caption):
                    clips += 1
                    frequency.update({ngram for text in caption.references for ngram in ngram_counts(text.split())})
        self._corpus = Corpus(frequency, clips)
        settings = dict(self.signature.settings) | {"idf": self._corpus.fingerprint()}
        self.signature = msgspec.structs.replace(self.signature, settings=tuple(settings.items()))

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of scores between 0 and 10. Raises UsageError before `prepare`."""
        return [mean_measure(self.cider(caption)) for caption in captions]

    def cider(self, caption: Caption) -> float:
        """CIDEr-D of one caption. Raises UsageError before `prepare`."""
        if self._corpus is None:
            raise UsageError("metric 'cider' needs all references of the test set first; call prepare")
        return self._corpus.cider(caption)

    def best(self, sample: Sample) -> Stats:
        """The score of whichever reference, given as the answer, scores best."""
        caption = self.alone(sample, "")
        if caption is None:
            return mean_stats(None)
        texts = caption.references
        return mean_stats(max(self.cider(Caption(text, texts)) for text in texts))


def _similarity(answer: Vector, reference: Vector) -> float:
    """Clipped cosine similarity summed over orders, less the penalty for a length that differs (in bigrams)."""
    products = [0.0] * ORDERS
    for ngram, weight in answer.weights.items():
        other = reference.weights.get(ngram, 0.0)
        products[len(ngram) - 1] += min(weight, other) * other
    cosine = sum(
        product / (left * right) if left and right else product
        for product, left, right in zip(products, answer.norms, reference.norms, strict=True)
    )
    difference = answer.bigrams - reference.bigrams
    return cosine * math.exp(-(difference**2) / (2 * SIGMA**2))
