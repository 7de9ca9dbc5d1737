"""ROUGE-L of captions."""

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import LCSseq

from salmonn_eval.records import Measure
from salmonn_eval.scorers.base import ScorerContext, Signature
from salmonn_eval.scorers.captions.captions import Caption, MeanCaptionScorer, mean_measure
from salmonn_eval.scorers.captions.ptb import TOKENIZER

BETA = 1.2


class RougeL(MeanCaptionScorer):
    """ROUGE-L in points, mean over clips (Lin 2004): F of the longest common subsequence, recall weighing β² = 1.44.

    As in coco-caption the best precision and the best recall over the references are combined, whichever references
    they come from. An empty answer scores 0.
    """

    metric = "rouge_l"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self.signature = Signature(self.metric, (TOKENIZER, ("beta", str(BETA)), ("refs", "max-p-max-r")))

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of F between 0 and 1."""
        return [mean_measure(rouge_l(caption)) for caption in captions]


def rouge_l(caption: Caption) -> float:
    """ROUGE-L F of one caption, between 0 and 1."""
    if not caption.answer:
        return 0.0
    answer = caption.answer.split(" ")
    references = [reference.split(" ") for reference in caption.references]
    common = [LCSseq.similarity(answer, reference) for reference in references]
    precision = max(common) / len(answer)
    recall = max(shared / len(reference) for shared, reference in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
