"""SPIDEr of captions (Liu et al. 2017): half SPICE, half CIDEr-D, clip by clip."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import ScorerContext, Signature, Stats
from salmonn_eval.scorers.captions.captions import Caption, MeanCaptionScorer, mean_measure
from salmonn_eval.scorers.captions.cider import Cider
from salmonn_eval.scorers.captions.spice import MAX_WORDS, SETTINGS, Spice


class Spider(MeanCaptionScorer):
    """(SPICE + CIDEr-D) / 2 in points, mean over clips; a clip that lacks either is unscored."""

    metric = "spider"
    needs_corpus = True
    max_words = MAX_WORDS

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self._spice = Spice({}, context)
        self._cider = Cider({}, context)
        self.signature = self._signed()

    def prepare(self, references: Iterable[Sample]) -> None:
        """CIDEr-D's document frequencies."""
        self._cider.prepare(references)
        self.signature = self._signed()

    def _signed(self) -> Signature:
        return Signature(self.metric, (*self._cider.signature.settings, *SETTINGS))

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of scores between 0 and 5.5."""
        return [
            mean_measure((spice.stats[0] + self._cider.cider(caption)) / 2) if spice.status == "scored" else spice
            for caption, spice in zip(captions, self._spice.score(captions), strict=True)
        ]

    def best(self, sample: Sample) -> Stats:
        """A SPICE of 1 and the best CIDEr-D that one of the references would get."""
        best = self._cider.best(sample)
        return (best + np.array([1.0, 1.0])) / 2 if best[1] else best
