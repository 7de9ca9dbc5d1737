"""What the page's browser of answers holds, as plain data; its scripts read it under these names."""

from msgspec import Struct


class Answer(Struct, frozen=True, omit_defaults=True):
    """What one run answered to one item under one variant.

    `asked`, `performed` and `variant` are places in the page's lists. `scores` stand in the order of the set's metrics
    (None: not scored), `whys` beside them ("": nothing to say). `units` is the answer as the alignment counts it:
    "": its text parted at spaces.
    """

    run: int
    variant: int
    asked: int
    text: str | None = None
    error: str | None = None
    performed: int = -1
    followed: str = ""
    finish: str = ""
    tokens: int | None = None
    scores: tuple[float | None, ...] = ()
    whys: tuple[str, ...] = ()
    units: str = ""


class Entry(Struct, frozen=True, omit_defaults=True):
    """One item of a test set with every answer to it. `units` are its references as the alignment counts them."""

    set: int
    id: str
    references: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    sounds: tuple[int, ...] = ()
    units: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()


class Asked(Struct, frozen=True):
    """A test set. `score` is the metric by which its items are sorted and filtered (-1: none has values by item).

    `align` says what is aligned with the references: words, characters or phones; "": nothing.
    """

    task: str
    dataset: str
    title: str
    metrics: tuple[str, ...]
    score: int
    better: str
    align: str


class Setting(Struct, frozen=True):
    """A variant: its LoRA scale, and in words whatever else was varied."""

    name: str
    scale: float | None
    rest: str


class Sound(Struct, frozen=True, omit_defaults=True):
    """What a model heard: `source` is a data address or a file beside the page; without it `why` there is none."""

    seconds: float = 0.0
    source: str = ""
    why: str = ""


class Content(Struct, frozen=True):
    """Everything that the browser of answers shows."""

    runs: tuple[str, ...]
    sets: tuple[Asked, ...]
    settings: tuple[Setting, ...]
    instructions: tuple[str, ...]
    performed: tuple[str, ...]
    sounds: tuple[Sound, ...]
    entries: tuple[Entry, ...]
    default: int
