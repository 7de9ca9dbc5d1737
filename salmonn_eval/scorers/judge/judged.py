"""Metrics that a judge decides: the share of answers with a good verdict."""

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature
from salmonn_eval.scorers.judge.prompt import Prompt, prompt
from salmonn_eval.scorers.judge.protocol import Judge, JudgePrompt, Reply
from salmonn_eval.scorers.judge.verdict import Verdict, read_verdict
from salmonn_eval.scorers.ratio import HitScorer

LONGEST_ANSWER = 20_000
"""Characters; what is longer fits no judge."""
_QUOTED = 120


def required_judge(metric: str, context: ScorerContext) -> Judge:
    """The judge that was named; UsageError where none was."""
    if context.judge is None:
        raise UsageError(f"metric {metric!r} needs a judge; name one with --judge-model and --judge-url")
    return context.judge


class Judged(HitScorer):
    """Statistics (good verdict, 1). A failed judge or an unreadable verdict leaves the answer unscored, with reason."""

    def __init__(self, judge: Judge, asked: Prompt) -> None:
        self._judge = judge
        self._prompt = asked
        self.judged_by = judge.model
        self.signature = Signature(self.metric, (("judge", judge.model), ("prompt", asked.origin)))

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """One Measure per answer, in order; `answer` is the verdict and `why` the judge's reason."""
        waiting: deque[Measure | None] = deque()

        def prompts() -> Iterator[JudgePrompt]:
            for answer in answers:
                question = _question(answer[0])
                waiting.append(self._settled(answer, question))
                if waiting[-1] is None:
                    yield self._prompt.fill(question or "", answer)

        for reply in self._judge.ask(prompts()):
            while (settled := waiting.popleft()) is not None:
                yield settled
            yield self._read(reply)
        yield from (settled for settled in waiting if settled is not None)

    def measure_one(self, answer: Answer) -> Measure:
        """The Measure of one answer, asked alone."""
        return next(self.measure([answer]))

    def _settled(self, answer: Answer, question: str | None) -> Measure | None:
        """What needs no judge; None where one is to be asked."""
        text = answer[2].text or ""
        if not text.strip():
            return self.judged(good=False, why="the answer is empty")
        if question is None:
            return Measure("unscored", why="no fields.question and no fields.transcript: the question is not known")
        if len(text) > LONGEST_ANSWER:
            return Measure("unscored", why=f"the answer is longer than {LONGEST_ANSWER} characters")
        return None

    def _read(self, reply: Reply) -> Measure:
        if reply.text is None:
            return Measure("unscored", why=f"the judge failed: {reply.fault}")
        verdict = read_verdict(reply.text, self._prompt.words)
        if verdict is None:
            return Measure("unscored", why=f"the judge's reply is no verdict: {reply.text.strip()[:_QUOTED]!r}")
        return self.judged(good=verdict.word == self._prompt.file.good, verdict=verdict)

    @abstractmethod
    def judged(self, *, good: bool, verdict: Verdict | None = None, why: str | None = None) -> Measure:
        """The Measure of a verdict, or of an answer that needs none."""


class JudgeAccuracy(Judged):
    """Share of answers that the judge calls correct."""

    metric = "judge_accuracy"
    _PROMPTS: ClassVar[Mapping[str, str]] = {"sqqa": "sqqa_accuracy", "sac": "sac_accuracy"}

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(required_judge(self.metric, context), prompt(self._PROMPTS[settings["prompt"]]))

    def judged(self, *, good: bool, verdict: Verdict | None = None, why: str | None = None) -> Measure:
        """A hit for a correct answer."""
        word, reason = (verdict.word, verdict.reason) if verdict else (None, why)
        return self.scored(good, 1, word, reason)


class JudgedFollowing(Judged):
    """Following rate by a judge's verdict instead of a rule; what it cannot decide is undetermined."""

    metric = "following_rate"
    readings = False

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(required_judge(self.metric, context), prompt("sac_following"))

    def judged(self, *, good: bool, verdict: Verdict | None = None, why: str | None = None) -> Measure:
        """A hit, with `followed`, for an answer that follows."""
        word, reason = (verdict.word, verdict.reason) if verdict else (None, why)
        return Measure("scored", (float(good), 1.0), float(good), word, reason, "yes" if good else "no")


def _question(sample: Sample) -> str | None:
    """What was asked: the item's question, else what is spoken; None where neither is known."""
    for name in ("question", "transcript"):
        text = sample.fields.get(name)
        if isinstance(text, str) and text.strip():
            return text
    return None
