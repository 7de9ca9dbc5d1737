"""What identifies a run (`RunSpec`) and what only says how it is executed (`RunOptions`)."""

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from salmonn_eval.canonical import fingerprint
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Variant
from salmonn_eval.tasks.spec import DatasetSpec, FollowingSpec, MetricSpec, TaskSpec


class Question(Struct, frozen=True, omit_defaults=True):
    """One test set of one task as a run asks it; self-contained, so that a run can be scored without the definitions.

    `task` keeps only the chosen dataset; `root` is where relative dataset paths start; `source` is the fingerprint of
    the annotation files; `protocol` is what was settled in making the data, such as a voice: part of every signature.
    """

    task: TaskSpec
    dataset_id: str
    root: str
    source: str
    protocol: tuple[tuple[str, str], ...] = ()

    @property
    def dataset(self) -> DatasetSpec:
        """The chosen test set."""
        return self.task.datasets[self.dataset_id]

    @property
    def name(self) -> str:
        """`TASK.DATASET`, the stem of this question's files."""
        return f"{self.task.id}.{self.dataset_id}"

    @property
    def language(self) -> str | None:
        """Language of the answers (ISO 639-1), if known."""
        return self.dataset.language or self.task.language

    @property
    def metrics(self) -> tuple[MetricSpec, ...]:
        """The test set's own metrics, else the task's."""
        return self.task.metrics if self.dataset.metrics is None else self.dataset.metrics

    @property
    def following(self) -> FollowingSpec:
        """The test set's own following rule, else the task's."""
        return self.dataset.following or self.task.following


class JudgeSettings(Struct, frozen=True, omit_defaults=True):
    """The language model that reads answers: `model` behind the endpoint `url`, or the model of `card`.

    `key_env` names the environment variable that holds the endpoint's key; the key itself is kept nowhere.
    """

    model: str
    url: str | None = None
    key_env: str | None = None
    card: ModelCard | None = None

    @property
    def identity(self) -> "JudgeSettings":
        """The same without where it lies: what decides a verdict."""
        card = self.card and msgspec.structs.replace(self.card, arguments={})
        return msgspec.structs.replace(self, url=None, key_env=None, card=card)


class NotAsked(Struct, frozen=True, omit_defaults=True):
    """A task that a group named but this run cannot ask, or a corpus that was skipped; listed in the results."""

    task: str
    dataset: str
    metrics: tuple[MetricSpec, ...]
    status: Literal["missing", "not applicable"]
    why: str


class RunSpec(Struct, frozen=True, omit_defaults=True):
    """Everything that decides a run's numbers. Two runs with one spec hash have the same results.

    `generation` holds the flags only (they win over suite, task and card); `limit` None means the card's quick limit on
    embedded suites, 0 all; `metrics` are asked for beyond the tasks' own; `judge` reads answers where a metric asks it.
    """

    label: str
    card: ModelCard
    questions: tuple[Question, ...]
    not_asked: tuple[NotAsked, ...] = ()
    variants: tuple[Variant, ...] = (Variant(),)
    generation: dict[str, Any] = {}
    limit: int | None = None
    sample_ids: tuple[str, ...] = ()
    seed: int = 0
    data: dict[str, str] = {}
    metrics: tuple[MetricSpec, ...] = ()
    seen_prompts: dict[str, tuple[str, ...]] = {}
    imported: bool = False
    judge: JudgeSettings | None = None

    def hash(self) -> str:
        """Sixteen hexadecimal digits over what decides the numbers, not over where it lies.

        Folders are left out: `Question.source` and the card's fingerprint hold the content of what lies there.
        """
        questions = tuple(msgspec.structs.replace(question, root="") for question in self.questions)
        card = msgspec.structs.replace(self.card, arguments={})
        judge = self.judge and self.judge.identity
        return fingerprint(msgspec.structs.replace(self, questions=questions, card=card, data={}, judge=judge))


class Shard(Struct, frozen=True):
    """Part `index` (from 1) of `count`."""

    index: int
    count: int

    @property
    def suffix(self) -> str:
        """What a shard's files have in their names."""
        return f"shard-{self.index}-of-{self.count}"


class MaxErrors(Struct, frozen=True):
    """How many samples may fail: a count, or a share of those planned."""

    count: int | None = None
    share: float = 0.01

    def exceeded(self, errors: int, planned: int) -> bool:
        """Whether a run with so many errors is incomplete."""
        return errors > (self.count if self.count is not None else self.share * planned)


class RunOptions(Struct, frozen=True):
    """How a run is executed. None of it changes a result, so none of it is in the spec hash."""

    out: Path
    run_dir: Path | None = None
    fresh: bool = False
    shard: Shard | None = None
    max_errors: MaxErrors = MaxErrors()
    fail_fast: bool = False
    device: str = "auto"
    batch_size: int | None = None
    workers: int = 2
    encoder_cache: Path | None = None
    command: tuple[str, ...] = ()
    canary: bool = True
