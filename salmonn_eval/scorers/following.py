"""Following rates: how often an answer does what was asked, by our rules and by the paper's."""

from collections.abc import Mapping

from rapidfuzz.distance import Levenshtein

from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Signature
from salmonn_eval.scorers.judge.judged import JudgedFollowing
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.ratio import HitScorer
from salmonn_eval.scorers.rules import Output, Verdict, check_rule, follows


def signed_rule(metric: str, context: ScorerContext) -> tuple[tuple[str, str], ...]:
    """The task's following rule as it stands in signatures; UsageError where it has none, or one that cannot be."""
    if context.rule is None:
        raise UsageError(f"metric {metric!r} needs a following rule, but task {context.task!r} has none")
    if fault := check_rule(context.rule, context.rule_settings):
        raise UsageError(f"task {context.task!r}: {fault}")
    changed = (("settings", fingerprint(dict(context.rule_settings), 8)),) if context.rule_settings else ()
    return (("rule", context.rule), *changed)


def verdict_on(answer: Answer, context: ScorerContext) -> Verdict:
    """Whether an answer follows its instruction by the task's rule."""
    output = Output(answer, language=context.language, labels=context.labels)
    return follows(context.rule or "", output, context.rule_settings)


class FollowingRate(HitScorer):
    """FR = yes / (yes + no) by the task's following rule.

    An answer whose sample lacks what the rule needs is undetermined: unscored, counted, and covered by the bounds.
    """

    metric = "following_rate"
    readings = False

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self._context = context
        self.signature = Signature(self.metric, signed_rule(self.metric, context))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (followed, 1); `followed` is the verdict and `why` the mark that decided."""
        verdict = verdict_on(answer, self._context)
        if verdict.followed == "undetermined":
            return Measure("unscored", why=verdict.why, followed="undetermined")
        hit = float(verdict.followed == "yes")
        return Measure("scored", (hit, 1.0), hit, why=verdict.why, followed=verdict.followed)


def following_rate(settings: Mapping[str, str], context: ScorerContext) -> Scorer:
    """The following rate by a judge where that is set and one was named, else by the task's rule."""
    if settings["by"] == "judge" and context.judge is not None:
        return JudgedFollowing(settings, context)
    return FollowingRate(settings, context)


_LEAST_WER = 0.30
_LEAST_WORDS = 50
_BY_RULE = {"answers_speech": "transcript", "story": "words"}


class PaperFollowingRate(HitScorer):
    """The paper's own following rates, looser than ours: empty, garbled and translated outputs pass them.

    `criterion: transcript` (spoken queries, slots): the output's WER against what was spoken is 30 % or more;
    `words` (stories): 50 words or more. `auto` takes the one of the task's following rule. Source: SALMONN (Tang et
    al. 2024), section 4.
    """

    metric = "fr_paper"
    readings = False

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        criterion = settings["criterion"]
        if criterion == "auto":
            if context.rule not in _BY_RULE:
                raise UsageError(
                    f"metric 'fr_paper' is defined for spoken questions and stories, but task {context.task!r} has the "
                    f"following rule {context.rule!r}; set `criterion: transcript` or `words`, or leave the metric out"
                )
            criterion = _BY_RULE[context.rule]
        self._spoken = criterion == "transcript"
        limits = (("norm", "plain.1"), ("min-wer", ".30")) if self._spoken else (("min-words", str(_LEAST_WORDS)),)
        self.signature = Signature(self.metric, (("criterion", criterion), *limits))

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (passed, 1)."""
        sample, _, prediction = answer
        words = plain(prediction.text or "").split()
        if not self._spoken:
            return self.scored(len(words) >= _LEAST_WORDS, 1)
        spoken = sample.fields.get("transcript")
        reference = plain(spoken).split() if isinstance(spoken, str) else []
        if not reference:
            return Measure("unscored", why="no fields.transcript")
        return self.scored(Levenshtein.distance(words, reference) >= _LEAST_WER * len(reference), 1)
