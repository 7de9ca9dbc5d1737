"""Keyword extraction: how many of the wanted three keywords are gold keys."""

from collections.abc import Callable, Collection, Mapping
from functools import cache

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.assignment import cheapest_pairs
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.language import only
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.phrases import holds
from salmonn_eval.scorers.ratio import RatioScorer
from salmonn_eval.scorers.rules.splitter import entries

WANTED = 3
STOP_WORDS = frozenset(
    "a an the this that these those such some any each all both no not of in on at by for from to with without into "
    "onto over under between about as and or but nor so if than then is are was were be been being has have had do "
    "does did can could may might will would shall should must it its they their them we our us he his she her you "
    "your i my who which whom whose what when where how why there here also more most other only very one two "
    "three".split()
)
"""Words that name no topic: an answer piece made of nothing else is never a hit."""

Phrase = tuple[str, ...]


class KeywordAccuracy(RatioScorer):
    """Σ hits / Σ min(gold keys, 3) over all answers, as a fraction (`ke:output-in-gold`).

    The answer is parted at commas, semicolons and lines. A piece hits a gold key that it equals or, as a phrase, is a
    run of words of; pieces and keys are matched one to one, and at most three hits count. `matching: stemmed` compares
    Porter stems.
    """

    metric = "keyword_accuracy"
    unit = "fraction"
    better = "higher"
    proportion = True

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        only(self.metric, context.language, ("en",))
        stemmed = settings["matching"] == "stemmed"
        self._word: Callable[[str], str] = _stem if stemmed else str
        self.signature = Signature(
            self.metric,
            (("rule", "output-in-gold"), ("match", "porter" if stemmed else "exact"), ("norm", "plain.1"), ("at", "3")),
        )

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hits, min(gold keys, 3)); `answer` lists the pieces that hit."""
        sample, _, prediction = answer
        keys = self._phrases(sample.references)
        if not keys:
            return Measure("unscored", why="the sample has no gold key")
        pieces = self._phrases(entries(prediction.text or ""))
        matched = _matched(pieces, keys)[:WANTED]
        wanted = min(len(keys), WANTED)
        return self.scored(len(matched), wanted, ", ".join(" ".join(piece) for piece in matched) or None)

    def worst(self, sample: Sample) -> Stats:
        """No hit."""
        return np.array([0.0, self._wanted(sample)])

    def best(self, sample: Sample) -> Stats:
        """As many hits as count."""
        return np.array([self._wanted(sample)] * 2)

    def _wanted(self, sample: Sample) -> float:
        return float(min(len(self._phrases(sample.references)), WANTED))

    def _phrases(self, texts: Collection[str]) -> list[Phrase]:
        """Texts as phrases, each once: lower case, hyphens and other marks as spaces."""
        words = (tuple(self._word(word) for word in plain(text).split()) for text in texts)
        return [phrase for phrase in dict.fromkeys(words) if phrase]


def _matched(pieces: list[Phrase], keys: list[Phrase]) -> list[Phrase]:
    """The pieces that have a key of their own in the largest one-to-one matching, in order of the answer."""
    hits = [[_hits(piece, key) for key in keys] for piece in pieces]
    pairs = cheapest_pairs([[-float(hit) for hit in row] for row in hits]) if any(map(any, hits)) else []
    return [pieces[piece] for piece, key in sorted(pairs) if hits[piece][key]]


def _hits(piece: Phrase, key: Phrase) -> bool:
    return piece == key or (holds(key, piece) and not STOP_WORDS.issuperset(piece))


@cache
def _stem(word: str) -> str:
    return str(_stemmer()(word))


@cache
def _stemmer() -> Callable[[str], str]:
    from snowballstemmer import stemmer

    stem: Callable[[str], str] = stemmer("porter").stemWord
    return stem
