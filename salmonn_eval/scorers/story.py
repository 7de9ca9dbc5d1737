"""What can be said of a story without a reference: how varied it is, how it repeats itself, whether it ends."""

import string
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.language import spaced_language
from salmonn_eval.scorers.ratio import HitScorer, RatioScorer

_PUNCTUATION = str.maketrans("", "", string.punctuation)
FIRST = 100
GRAM = 4


def story_words(text: str) -> list[str]:
    """Lower-case words without ASCII punctuation, which goes without leaving a space (`don't` is `dont`)."""
    return text.lower().translate(_PUNCTUATION).split()


class StoryMean(RatioScorer):
    """A mean over stories of one number each: statistics (number, 1)."""

    least = 0.0
    most: float

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        spaced_language(self.metric, context.language, "leave the metric out")
        self.signature = Signature(self.metric, (("words", "lower-no-ascii-punct"), ("agg", "mean-over-stories")))

    @abstractmethod
    def of(self, words: Sequence[str]) -> float:
        """The number of one story."""

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (number, 1)."""
        return self.scored(self.of(story_words(answer[2].text or "")), 1)

    def worst(self, sample: Sample) -> Stats:
        """The bad end of the range."""
        return np.array([self.least if self.better == "higher" else self.most, 1.0])

    def best(self, sample: Sample) -> Stats:
        """The good end of the range."""
        return np.array([self.most if self.better == "higher" else self.least, 1.0])


class Diversity(StoryMean):
    """Different words a story, mean over stories: longer stories have more."""

    metric = "diversity"
    unit = "words"
    better = "higher"
    most = 200.0  # as many words as the task's cap of new tokens

    def of(self, words: Sequence[str]) -> float:
        """How many different words."""
        return float(len(set(words)))


class DistinctInFirst(StoryMean):
    """Different words among the first hundred of a story, mean over stories: length alone earns nothing beyond that."""

    metric = "distinct_100"
    unit = "words"
    better = "higher"
    most = float(FIRST)

    def of(self, words: Sequence[str]) -> float:
        """How many different words among the first hundred."""
        return float(len(set(words[:FIRST])))


class RepeatRate(StoryMean):
    """Share of a story's word 4-grams that stood in it before, mean over stories; 0 for fewer than four words."""

    metric = "repeat_rate"
    unit = "fraction"
    better = "lower"
    most = 1.0

    def of(self, words: Sequence[str]) -> float:
        """The share of repeated 4-grams."""
        grams = [tuple(words[start : start + GRAM]) for start in range(len(words) - GRAM + 1)]
        return 1 - len(set(grams)) / len(grams) if grams else 0.0


class EosRate(HitScorer):
    """Share of answers that the model ended by itself, among those of which it is known."""

    metric = "eos_rate"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        self.signature = Signature(self.metric)

    def measure_one(self, answer: Answer) -> Measure:
        """Statistics (ended by itself, 1)."""
        finish = answer[2].finish
        if finish not in ("eos", "length"):
            return Measure("unscored", why="how the answer ended is not known")
        return self.scored(finish == "eos", 1, why=None if finish == "eos" else "the cap on new tokens ended it")
