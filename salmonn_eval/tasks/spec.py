"""The closed schema of a task definition: an unknown key is an error."""

from typing import Any, Literal

from msgspec import Struct, field

Suite = Literal["mini", "mini-real", "paper"]
Level = Literal[1, 2, 3]
ItemScore = Literal["hit", "chrf", "one_minus_error", "rouge_l", "grounding"]

ITEM_CLUSTERS = frozenset({"item", "clip"})
"""Values of `cluster` under which a sample without a cluster stands for itself."""


class MetricSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One metric of a task. `settings` go to the scorer by keyword (e.g. `normalizer: whisper-en`)."""

    name: str
    headline: bool = False
    settings: dict[str, Any] = {}


class FollowingSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rule that decides whether an answer follows the instruction; `settings` override its thresholds."""

    rule: str
    settings: dict[str, Any] = {}


class DatasetSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One test set of a task.

    `source` names a reader (`manifest`, `librispeech`, `salmonn`, `huggingface`, ...); `path` is relative to the folder
    of task definitions, or to the corpus that the user points at with `--data CORPUS=DIR`. `cluster` names what is
    resampled. `fields` are the `Sample.fields` that every sample has: what templates and rules may count on.
    `unavailable` says why nobody can have the data as in the paper.
    """

    suite: Suite
    source: str
    cluster: str
    path: str | None = None
    corpus: str | None = None
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    columns: dict[str, str] = {}
    items: str | None = None
    n_expected: int | None = None
    language: str | None = None
    fields: tuple[str, ...] = ()
    breakdown: tuple[str, ...] = ()
    generation: dict[str, Any] = {}
    metrics: tuple[MetricSpec, ...] | None = None
    following: FollowingSpec | None = None
    instruction: str | None = None
    licence: str | None = None
    get: str | None = None
    unavailable: str | None = None
    note: str | None = None


class TaskSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One task: what is asked, how answers are decoded and scored, and on which test sets.

    `language` is the language of the *answer* (ISO 639-1), for scorers and following rules; a dataset may override it.
    `labels` maps each closed label to its spellings. `extra` keeps a task out of the level groups and of `all`.
    """

    id: str
    level: Level
    title: str
    instruction: str
    following: FollowingSpec
    item_score: ItemScore
    metrics: tuple[MetricSpec, ...]
    datasets: dict[str, DatasetSpec]
    generation: dict[str, Any]
    version: int
    language: str | None = None
    extra: bool = False
    paraphrases: tuple[str, ...] = ()
    labels: dict[str, tuple[str, ...]] = {}
    release_key: str | None = None
    note: str | None = None


class Located(Struct, frozen=True):
    """A task with the file it came from and the folder its relative dataset paths start at."""

    spec: TaskSpec
    file: str
    root: str


class SeenPrompts(Struct, frozen=True):
    """Instruction wordings of a release's training prompts, by task id."""

    wordings: dict[str, tuple[str, ...]] = field(default_factory=dict)
