"""BLEU as sacrebleu counts it (Papineni et al. 2002; Post 2018)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.language import UNSPACED, base_language
from salmonn_eval.scorers.one_by_one import OneByOne

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEUScore

ORDER = 4
_OWN_TOKENIZERS: Mapping[str, tuple[str, ...]] = {"zh": ("zh", "yue"), "ja-mecab": ("ja",)}
"""Tokenizers made for one language; `char` takes any, `13a` any that is written with spaces."""
_BY_LANGUAGE: Mapping[str, str] = {"zh": "zh", "yue": "zh", **dict.fromkeys(UNSPACED - {"zh", "yue"}, "char")}


class Bleu(OneByOne):
    """BLEU4 in points: corpus n-gram precisions with a brevity penalty, case kept, exponential smoothing.

    Statistics of an answer [10]: matches and counts of 1- to 4-grams, its length, and that of the reference closest in
    length. Summed over answers they give sacrebleu's own `corpus_bleu`; the signature holds sacrebleu's.
    """

    metric = "bleu"
    unit = "points"
    better = "higher"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        from sacrebleu.metrics.bleu import BLEU as SacreBleu

        tokenizer = tokenizer_for(settings["tokenize"], base_language(context.language))
        self._bleu = SacreBleu(tokenize=tokenizer, force=True, references=[[""]])
        self._counts: set[int] = set()
        self._sign()

    def _sign(self) -> None:
        """Sacrebleu's signature; `nrefs` is `var` once samples with other numbers of references were met."""
        info = self._bleu.get_signature().info
        info["nrefs"] = "var" if len(self._counts) > 1 else max(self._counts, default=1)
        shown = ("nrefs", "case", "eff", "tok", "smooth", "version")
        self.signature = Signature(self.metric, tuple((name, str(info[name])) for name in shown))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics [10] of one answer; its value is the corpus formula on it alone."""
        sample, _, prediction = answer
        if not sample.references:
            return Measure("unscored", why="the sample has no reference")
        if len(sample.references) not in self._counts:
            self._counts.add(len(sample.references))
            self._sign()
        found = self._count(prediction.text or "", sample.references)
        return Measure("scored", _stats(found), float(found.score) if found.ref_len else None)

    def worst(self, sample: Sample) -> Stats:
        """An empty answer."""
        return self._end("", sample)

    def best(self, sample: Sample) -> Stats:
        """The first reference itself."""
        return self._end(sample.references[0] if sample.references else "", sample)

    def _end(self, text: str, sample: Sample) -> Stats:
        return np.array(_stats(self._count(text, sample.references)) if sample.references else [0.0] * (2 * ORDER + 2))

    def _count(self, text: str, references: tuple[str, ...]) -> "BLEUScore":
        score: BLEUScore = self._bleu.corpus_score([_encodable(text)], [[_encodable(one)] for one in references])
        return score

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """Corpus BLEU [...]; NaN where no reference has a token."""
        return bleu(weights @ stats)


def bleu(sums: Stats) -> Stats:
    """BLEU [...] in points from summed statistics [..., 10]: sacrebleu's formula, smoothing `exp`, on whole arrays.

    An order without a match counts as 1 / 2^k of a match, k being how many such orders there were so far (Chen and
    Cherry 2014, method 3); without any match, or without a single 4-gram, the score is 0.
    """
    correct, total, lengths = sums[..., :ORDER], sums[..., ORDER : 2 * ORDER], sums[..., 2 * ORDER :]
    missed = (correct <= 0) & (total > 0)
    smoothed = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), correct)
    possible = (correct > 0).any(axis=-1) & (total > 0).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(possible, np.log(smoothed / total).sum(axis=-1) / ORDER, -np.inf)
        brevity = np.minimum(0.0, 1 - lengths[..., 1] / lengths[..., 0])
        value: Stats = np.where(possible, 100 * np.exp(precision + brevity), 0.0)
    return np.where(lengths[..., 1] > 0, value, np.nan)


def _stats(found: "BLEUScore") -> tuple[float, ...]:
    return tuple(map(float, (*found.counts, *found.totals, found.sys_len, found.ref_len)))


def tokenizer_for(chosen: str, language: str | None) -> str:
    """The tokenizer for answers of a language (`auto`: zh and char for Chinese and Japanese, 13a for spaced ones).

    Raises UsageError where the chosen one cannot part that language into tokens, or the language is not known.
    """
    if language is None:
        raise UsageError("metric 'bleu' needs to know the answers' language; set `language`, e.g. zh, de or ja")
    if chosen == "auto":
        return _BY_LANGUAGE.get(language, "13a")
    if chosen == "13a" and language in UNSPACED:
        raise UsageError(
            f"metric 'bleu': tokenizer '13a' parts text at spaces, which {language!r} does not have; "
            f"set `tokenize: {_BY_LANGUAGE[language]}`"
        )
    if language not in _OWN_TOKENIZERS.get(chosen, (language,)):
        own = ", ".join(_OWN_TOKENIZERS[chosen])
        raise UsageError(
            f"metric 'bleu': tokenizer {chosen!r} is for {own} only, but the answers' language is {language!r}; "
            f"set `tokenize: {_BY_LANGUAGE.get(language, '13a')}`"
        )
    return chosen


def _encodable(text: str) -> str:
    """The text with lone surrogates and NUL replaced, which MeCab's C code cannot take."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
