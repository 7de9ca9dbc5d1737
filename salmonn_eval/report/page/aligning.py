"""How answers of a test set are laid beside their references: in the units of its own error rate, or as plain words."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from salmonn_eval.engine.scoring import context_of
from salmonn_eval.engine.spec import Question
from salmonn_eval.records import Sample
from salmonn_eval.scorers.alignment import Alignment, align
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.language import UNSPACED, base_language
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.overlap import ConcatenatedPermutationWordErrorRate
from salmonn_eval.scorers.registry import arithmetic

LETTERS = {"equal": "=", "substitute": "s", "delete": "d", "insert": "i"}
LONGEST = 1500
"""Units of an answer or reference that are still aligned: a runaway answer is shown, not laid out."""
_RATES = ("wer", "cer", "per", "osr_wer")
_TEXTS = ("chrf", "rouge_l")
"""Item scores of tasks that have reference texts without an error rate."""


class Aligner(Struct, frozen=True):
    """`told` says what is compared, `gap` is what stands between units; `units` parts a text into them."""

    told: str
    gap: str
    units: Callable[[str], Sequence[str]]
    targets: Callable[[Sample], Sequence[Sequence[str]]]

    def align(self, text: str, sample: Sample) -> Alignment | None:
        """The answer beside the nearest reference; None where there is none, or one of them is too long."""
        if not sample.references:
            return None
        hypothesis, targets = self.units(text), self.targets(sample)
        if not targets or max(len(hypothesis), *map(len, targets)) > LONGEST:
            return None
        return align(hypothesis, targets)


def aligner_of(question: Question) -> Aligner | None:
    """The aligner of a test set; None where answers are not held against a reference text (labels, stories)."""
    for metric in sorted(question.metrics, key=lambda metric: not metric.headline):
        if metric.name in _RATES:
            scorer = arithmetic(metric.name, metric.settings, context_of(question))
            if isinstance(scorer, ErrorRate) and not isinstance(scorer, ConcatenatedPermutationWordErrorRate):
                gap = "" if metric.name == "cer" else " "
                told = _told(metric.name, str(scorer.signature))
                return Aligner(told, gap, scorer.units, scorer.targets)
    return _plain(question) if question.task.item_score in _TEXTS else None


def _told(metric: str, signature: str) -> str:
    parts = [part for part in signature.split("|") if part.startswith(("norm:", "phones:"))]
    return f"as {' '.join([metric, *(f'({part})' for part in parts)])} counts"


def _plain(question: Question) -> Aligner:
    unspaced = base_language(question.language) in UNSPACED

    def units(text: str) -> Sequence[str]:
        words = plain(text).split()
        return "".join(words) if unspaced else words

    def targets(sample: Sample) -> Sequence[Sequence[str]]:
        return [units(reference) for reference in sample.references]

    what = "characters" if unspaced else "words"
    return Aligner(
        f"by {what}, for the eye: the task's metrics count otherwise", "" if unspaced else " ", units, targets
    )


def edits_line(alignment: Alignment) -> str:
    """Runs of edits: `4=1s2d`."""
    return "".join(f"{block.size}{LETTERS[block.edit]}" for block in alignment.blocks)
