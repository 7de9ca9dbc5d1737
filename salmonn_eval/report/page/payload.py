"""What the page's script reads: samples and answers as JSON, texts held once and named by number."""

from typing import Literal

from msgspec import Struct

from salmonn_eval.records import Better, MeasureStatus, Unit

Text = int
"""A place in `Payload.texts`."""


class MetricHead(Struct, frozen=True):
    """One metric of a test set, as the rows of `Answered.measures` name it by its place.

    `unit` is None where one answer's value is not in the metric's own (the score that an equal error rate ranks).
    """

    name: str
    unit: Unit | None
    better: Better
    headline: bool
    signature: str


class SetHead(Struct, frozen=True):
    """One test set. `aligned` says what the shown alignments compare, `gap` what joins their units (empty: nothing)."""

    task: str
    dataset: str
    title: str
    language: str | None
    metrics: tuple[MetricHead, ...]
    aligned: str
    gap: str


class RunHead(Struct, frozen=True):
    """One run: A or B, whose answers they are, the scales it was asked at (empty: it has no adapter) and its own."""

    label: str
    model: str
    name: str
    scales: tuple[float, ...]
    default: float | None


class Sound(Struct, frozen=True):
    """What was heard: in the page (`kind` held), in a file beside it (linked), or nowhere (absent: `why`)."""

    kind: Literal["held", "linked", "absent"]
    seconds: float = 0.0
    cut_s: float = 0.0
    file: str | None = None
    why: str | None = None


class Measured(Struct, frozen=True, array_like=True):
    """What one metric found in one answer; `metric` is a place in `SetHead.metrics`."""

    metric: int
    status: MeasureStatus
    value: float | None
    read: Text | None
    why: Text | None


class Aligned(Struct, frozen=True, array_like=True):
    """A reference and an answer, units joined by the set's `gap`, and runs of edits: `4=1s2d` (= s d i)."""

    reference: Text
    hypothesis: Text
    edits: str


class Answered(Struct, frozen=True, array_like=True):
    """One answer. `run` is a place in `Payload.runs`; `score` the item score from 0 to 1, None where there is none.

    `sounds` are places in `Payload.sounds`; `read` is the text that stood in place of the audio.
    """

    run: int
    scale: float | None
    instruction: Text
    text: Text | None
    error: Text | None
    finish: str
    followed: Literal["yes", "no", "undetermined"]
    performed: Text
    score: float | None
    tokens: int | None
    sounds: tuple[int, ...]
    read: Text | None
    aligned: Aligned | None
    measures: tuple[Measured, ...]


class Shown(Struct, frozen=True, array_like=True):
    """One sample under one wording, condition and seed (`variant`, empty: as it is), with all of its answers."""

    set: int
    id: Text
    variant: Text
    references: tuple[Text, ...]
    labels: tuple[Text, ...]
    fields: tuple[tuple[Text, Text], ...]
    answers: tuple[Answered, ...]


class Payload(Struct, frozen=True):
    """The whole of it."""

    runs: tuple[RunHead, ...]
    sets: tuple[SetHead, ...]
    samples: tuple[Shown, ...]
    sounds: tuple[Sound, ...]
    texts: tuple[str, ...]


class Texts:
    """Numbers for texts, equal ones sharing theirs."""

    def __init__(self) -> None:
        self._numbers: dict[str, Text] = {}

    def of(self, text: str) -> Text:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def maybe(self, text: str | None) -> Text | None:
        """The number of a text; None for None."""
        return None if text is None else self.of(text)

    def all(self) -> tuple[str, ...]:
        """Every text, each at its number."""
        return tuple(self._numbers)
