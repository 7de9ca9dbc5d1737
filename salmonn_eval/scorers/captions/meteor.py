"""METEOR 1.5 of English captions (Denkowski and Lavie 2014), by its authors' program."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.records import Measure, Sample
from salmonn_eval.scorers.base import Answer, ScorerContext, Signature, Stats
from salmonn_eval.scorers.captions.captions import Caption, CaptionScorer
from salmonn_eval.scorers.captions.java import coco_folder
from salmonn_eval.scorers.captions.process import JavaFault, LineTool
from salmonn_eval.scorers.captions.ptb import TOKENIZER

STATISTICS = 23
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.20, 0.60, 0.75
"""The English parameters of version 1.5, task `rank`."""
MODULES = np.array([1.0, 0.6, 0.8, 0.6])
"""Weights of exact, stem, synonym and paraphrase matches."""
_LENGTHS, _MATCHES, _CHUNKS, _ALIGNED = slice(0, 4), slice(4, 20), 20, slice(21, 23)
_START_S = 300.0
_QUIET_S = 120.0
_HEAP_MB = 1024


class MeteorTool:
    """One METEOR process that starts with the first caption (its paraphrase table takes a while) and is `close`d."""

    def __init__(self) -> None:
        self._tool: LineTool | None = None
        self._ready = False
        self._broken: str | None = None

    def start(self) -> None:
        """Start the program, if it does not run, without waiting for it. Raises PrerequisiteError without a Java."""
        if self._tool is None and self._broken is None:
            jar = coco_folder() / "meteor" / "meteor-1.5.jar"
            main = ("Meteor", "-", "-", "-stdio", "-l", "en", "-norm")
            self._tool = LineTool("METEOR", main, [jar], _HEAP_MB)

    def statistics(self, captions: Sequence[Caption]) -> list[tuple[float, ...] | JavaFault]:
        """The 23 statistics of each caption against its best reference.

        A caption that the program dies or chokes of gets the fault, and the others their statistics. Raises
        PrerequisiteError where the program does not run at all.
        """
        found: list[tuple[float, ...] | JavaFault] = []
        while len(found) < len(captions):
            if not self._ready:
                self._await()
            found += self._exchange(captions[len(found) :], _QUIET_S)
        return found

    def close(self) -> None:
        """End the process; the next caption starts another."""
        if self._tool is not None:
            self._tool.close()
            self._tool = None
            self._ready = False

    def _await(self) -> None:
        if self._broken is None:
            self.start()
            (first,) = self._exchange([Caption("a dog barks", ("a dog barks",))], _START_S)
            if isinstance(first, JavaFault):
                self.close()
                self._broken = f"{first}; salmonn-eval doctor checks Java"
        if self._broken is not None:
            raise PrerequisiteError(self._broken)
        self._ready = True

    def _exchange(self, captions: Sequence[Caption], quiet_s: float) -> list[tuple[float, ...] | JavaFault]:
        """Statistics up to the first caption that ends the program, whose fault comes last."""
        assert self._tool is not None, "started before"
        found: list[tuple[float, ...] | JavaFault] = []
        request = "".join(_question(caption) for caption in captions).encode("utf-8", errors="replace")
        try:
            for line in islice(self._tool.lines(request, quiet_s), len(captions)):
                found.append(_statistics(line))
        except JavaFault as fault:
            self.close()
            found.append(fault)
        return found


class Meteor(CaptionScorer):
    """METEOR in points over the whole test set.

    Statistics [23] as the program gives them: lengths and function words of answer and reference; matches in content
    and function words by module; chunks; matched words. The value is METEOR's formula of their sums, not a mean over
    clips; it equals the program's own aggregate.
    """

    metric = "meteor"
    max_words = 500

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self.signature = Signature(
            self.metric, (TOKENIZER, ("meteor", "1.5-en-norm"), ("max-words", str(self.max_words)), ("agg", "corpus"))
        )

    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """One Measure per answer, in order; the program loads its tables while the first answers are tokenized."""
        self._shared.get(MeteorTool).start()
        yield from super().measure(answers)

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of the 23 statistics; an answer's own value is its segment score."""
        return [
            Measure("unscored", why=str(stats)) if isinstance(stats, JavaFault) else self._measure(stats)
            for stats in self._shared.get(MeteorTool).statistics(captions)
        ]

    def _measure(self, stats: tuple[float, ...]) -> Measure:
        return Measure("scored", stats, float(self.combine(np.array([stats]), np.ones(1))))

    def worst(self, sample: Sample) -> Stats:
        """Statistics of an empty answer; nothing where the sample has no reference."""
        return self._end(sample, "")

    def best(self, sample: Sample) -> Stats:
        """Statistics of the first reference; nothing where the sample has none."""
        return self._end(sample, sample.references[0] if sample.references else "")

    def _end(self, sample: Sample, answer: str) -> Stats:
        caption = self.alone(sample, answer)
        if caption is None:
            return np.zeros(STATISTICS)
        (stats,) = self._shared.get(MeteorTool).statistics([caption])
        if isinstance(stats, JavaFault):
            raise stats
        return np.array(stats)

    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """METEOR [...] in points from statistics [n, 23]; NaN where the references have no length."""
        counted = stats.copy()
        counted[_perfect(stats), _CHUNKS] = 0.0  # as the program adds up: an answer that is its reference is no chunk
        sums = weights @ counted
        lengths, matches = sums[..., _LENGTHS], sums[..., _MATCHES].reshape(*sums.shape[:-1], 4, 4)
        kinds = np.array([DELTA, DELTA, 1 - DELTA, 1 - DELTA])  # content, content, function, function
        weighted = np.einsum("m,...mk,k->...k", MODULES, matches, kinds)
        with np.errstate(divide="ignore", invalid="ignore"):
            precision, recall = (
                (weighted[..., side] + weighted[..., side + 2])
                / (DELTA * (lengths[..., side] - lengths[..., side + 2]) + (1 - DELTA) * lengths[..., side + 2])
                for side in (0, 1)
            )
            mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall)
            fragmentation = sums[..., _CHUNKS] / sums[..., _ALIGNED].mean(axis=-1)
            score = np.nan_to_num(mean * (1 - GAMMA * fragmentation**BETA), nan=0.0)
        return np.where(lengths[..., 1] > 0, 100.0 * np.maximum(score, 0.0), np.nan)


def _perfect(stats: Stats) -> NDArray[np.bool_]:
    """Which rows [n, 23] match every word of both sides in one chunk."""
    matches = stats[:, _MATCHES].reshape(-1, 4, 2, 2).sum(axis=(1, 2))
    found: NDArray[np.bool_] = (matches == stats[:, :2]).all(axis=1) & (stats[:, _CHUNKS] == 1)
    return found


def _question(caption: Caption) -> str:
    """A line of METEOR's protocol; three bars part its fields and cannot stand inside one."""
    parts = (*caption.references, caption.answer)
    return " ||| ".join(["SCORE", *(" ".join(part.replace("|||", " ").split()) for part in parts)]) + "\n"


def _statistics(line: bytes) -> tuple[float, ...] | JavaFault:
    text = line.decode("utf-8", errors="replace")
    try:
        numbers = tuple(float(number) for number in text.split())
    except ValueError:
        numbers = ()
    return numbers if len(numbers) == STATISTICS else JavaFault(f"METEOR answered {text[:100]!r}")
