"""The scorer contract: per-answer sufficient statistics, combined by one vectorised function."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from salmonn_eval.records import Better, Measure, Prediction, Request, Sample, Unit
from salmonn_eval.scorers.judge.protocol import Judge
from salmonn_eval.scorers.shared import Shared

Answer = tuple[Sample, Request, Prediction]
Stats = NDArray[np.float64]


class Signature(Struct, frozen=True):
    """How a metric was computed: `wer|norm:whisper-en.1|agg:corpus|empty-ref:ins|v:1`. Order is the scorer's own."""

    metric: str
    settings: tuple[tuple[str, str], ...] = ()
    version: int = 1

    def __str__(self) -> str:
        return "|".join([self.metric, *(f"{key}:{value}" for key, value in self.settings), f"v:{self.version}"])


class ScorerContext(Struct, frozen=True):
    """What a scorer may know of the task: the answer's language, the closed labels, the following rule, who asked.

    `shared` holds what it uses together with other scorers, such as Java programs; whoever made the context closes it.
    `judge` is the language model that reads answers, where the user named one.
    """

    task: str
    language: str | None = None
    labels: Mapping[str, tuple[str, ...]] = {}
    rule: str | None = None
    rule_settings: Mapping[str, object] = {}
    shared: Shared = field(default_factory=Shared)
    judge: Judge | None = None


class Scorer(ABC):
    """One metric. `additive`: summed statistics suffice; `proportion`: values are 0 or 1 and Wilson applies.

    `judged_by` is the model id of the judge that decides, None where none does.

    Call order: `prepare` once with ALL references of the dataset (whatever the limit or shard), then `measure`.
    """

    metric: ClassVar[str]
    unit: ClassVar[Unit]
    better: ClassVar[Better]
    additive: ClassVar[bool] = True
    proportion: ClassVar[bool] = False
    needs_corpus: ClassVar[bool] = False
    readings: ClassVar[bool] = True

    signature: Signature
    judged_by: str | None = None

    def prepare(self, references: Iterable[Sample]) -> None:  # noqa: B027 - most scorers have no corpus state
        """Build corpus state (CIDEr's document frequencies); its hash joins the signature. Only if `needs_corpus`."""

    @abstractmethod
    def measure(self, answers: Iterable[Answer]) -> Iterator[Measure]:
        """One Measure per answer, in order; streams. Answers are never errors: the engine keeps those apart.

        `followed` may be left at its default; the engine stamps the task's following verdict on every measure.
        """

    @abstractmethod
    def worst(self, sample: Sample) -> Stats:
        """Statistics [K] of a wholly wrong answer to this sample (not followed; failed)."""

    @abstractmethod
    def best(self, sample: Sample) -> Stats:
        """Statistics [K] of a perfect answer to this sample: the good end of the bounds."""

    @abstractmethod
    def combine(self, stats: Stats, weights: Stats) -> Stats:
        """Value [...] in `unit` from statistics [n, K] and weights [..., n]; NaN where undefined."""
