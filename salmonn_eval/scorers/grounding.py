"""Grounding: does an answer tell its own clip's captions from those of nine other clips?"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from salmonn_eval.canonical import fingerprint
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.language import spaced_language
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.ratio import HitScorer

CANDIDATES = 10
SEED = 1


class Grounding(HitScorer):
    """Top-1 share of ten by TF-IDF cosine: the answer against its own clip's captions and those of nine others.

    A clip's captions count as one text. The others are drawn by a seed from the whole test set, for each sample alone,
    so that no limit, shard or order changes them. Of k candidates equally near, the own one among them, the sample gets
    1 / k. Chance is 0.1. Words are those of `plain`; a word in d of n texts weighs ln(n / d).
    """

    metric = "grounding"
    needs_corpus = True

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        spaced_language(self.metric, context.language, "leave the metric out")
        self._texts: dict[str, Counter[str]] = {}
        self._weight: dict[str, float] = {}
        self._sign("none")

    def _sign(self, corpus: str) -> None:
        of = min(CANDIDATES, max(len(self._texts), 1))
        self.signature = Signature(
            self.metric,
            (("norm", "plain.1"), ("tfidf", "ln"), ("top1-of", str(of)), ("seed", str(SEED)), ("corpus", corpus)),
        )

    def prepare(self, references: Iterable[Sample]) -> None:
        """Word counts and document frequencies of all clips' captions; their fingerprint joins the signature."""
        captions = {sample.id: sample.references for sample in references if sample.references}
        self._texts = {id_: Counter(plain(" ".join(texts)).split()) for id_, texts in sorted(captions.items())}
        spread = Counter(word for words in self._texts.values() for word in words)
        self._weight = {word: math.log(len(self._texts) / count) for word, count in spread.items()}
        self._sign(fingerprint(captions, 8))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (1 / number of nearest candidates if the own one is among them, 1)."""
        sample, _, prediction = answer
        candidates = self.candidates(sample.id)
        if not candidates:
            return Measure("unscored", why="there are no captions of this clip and of others to tell apart")
        said = Counter(plain(prediction.text or "").split())
        scores = {id_: self._cosine(said, self._texts[id_]) for id_ in candidates}
        nearest = [id_ for id_, score in scores.items() if math.isclose(score, max(scores.values()), rel_tol=1e-9)]
        credit = 1 / len(nearest) if sample.id in nearest else 0.0
        return self.scored(credit, 1, why=None if credit else f"nearer to the captions of {nearest[0]}")

    def candidates(self, own: str) -> tuple[str, ...]:
        """The ids whose captions an answer is held against, the own one first; none where nothing can be told apart."""
        others = self._others(own)
        return (own, *others) if own in self._texts and others else ()

    def vectors(self, ids: Sequence[str]) -> tuple[dict[str, int], Stats]:
        """The place of each word that weighs, and the captions' TF-IDF vectors [ids, words], each of length 1 or 0."""
        words = {word: place for place, (word, weight) in enumerate(self._weight.items()) if weight}
        words = {word: place for place, word in enumerate(words)}
        found = np.zeros((len(ids), len(words)))
        for row, id_ in enumerate(ids):
            for word, count in self._texts[id_].items():
                if word in words:
                    found[row, words[word]] = count * self._weight[word]
        lengths = np.sqrt((found**2).sum(axis=1, keepdims=True))
        return words, np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)

    def weight(self, word: str) -> float:
        """How much a word weighs: ln(n / d); 0 where it tells nothing."""
        return self._weight.get(word, 0.0)

    def _others(self, own: str) -> list[str]:
        ids = [id_ for id_ in self._texts if id_ != own]
        seed = int.from_bytes(hashlib.sha256(f"{SEED}\0{own}".encode()).digest()[:8])
        return random.Random(seed).sample(ids, min(CANDIDATES - 1, len(ids)))

    def _cosine(self, said: Counter[str], text: Counter[str]) -> float:
        """Cosine up to the answer's own length, which is the same for all candidates."""
        squares = sum((count * self._weight[word]) ** 2 for word, count in text.items())
        product = sum(count * text[word] * self._weight[word] ** 2 for word, count in said.items() if word in text)
        return product / math.sqrt(squares) if squares else 0.0
