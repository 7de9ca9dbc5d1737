"""Short answers to questions: is a gold answer in what was said?"""

from collections.abc import Mapping

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature
from salmonn_eval.scorers.following import signed_rule, verdict_on
from salmonn_eval.scorers.labels import read_label
from salmonn_eval.scorers.phrases import PhraseReader, holds
from salmonn_eval.scorers.ratio import HitScorer
from salmonn_eval.scorers.rules.marks import YES_NO

LONGEST_GOLD = 10
"""Words, or characters of languages without spaces: nobody repeats a whole sentence word by word."""


class AnswerAccuracy(HitScorer):
    """Share of answers that follow the task and hold one of the sample's gold answers.

    Gold answers of more than ten words are passed over; a sample that has no other is unscored, for a judge to read. A
    gold yes or no is compared with the one that the answer says.
    """

    metric = "answer_accuracy"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._reader = PhraseReader(context.language)
        self._context = context
        rule = signed_rule(self.metric, context)
        self.signature = Signature(self.metric, (*self._reader.signature, ("longest-gold", str(LONGEST_GOLD)), *rule))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (hit, 1); `answer` is the gold answer that was found."""
        sample, _, prediction = answer
        graded = self.grade(sample, prediction.text or "")
        if graded.status != "scored":
            return graded
        verdict = verdict_on(answer, self._context)
        if verdict.followed == "no":
            return self.scored(0, 1, why=f"not followed: {verdict.why}")
        return graded

    def grade(self, sample: Sample, text: str) -> Measure:
        """The same without a look at whether the text follows the task."""
        golds = self._short(sample)
        if not golds:
            return Measure("unscored", why=_no_gold(sample))
        units = self._reader.units(text)
        found = next((gold for gold, phrase in golds.items() if _says(text, units, phrase)), None)
        return self.scored(found is not None, 1, found, None if found else "no gold answer is in the answer")

    def _short(self, sample: Sample) -> dict[str, tuple[str, ...]]:
        read = {gold: self._reader.phrase(gold) for gold in sample.references}
        return {gold: phrase for gold, phrase in read.items() if 0 < len(phrase) <= LONGEST_GOLD}


def _says(text: str, units: list[str], phrase: tuple[str, ...]) -> bool:
    if len(phrase) == 1 and phrase[0] in YES_NO:
        return read_label(text, YES_NO).label == phrase[0]
    return holds(units, phrase)


def _no_gold(sample: Sample) -> str:
    if not sample.references:
        return "the question has no gold answer"
    return f"every gold answer is longer than {LONGEST_GOLD} words: containment cannot judge it"
