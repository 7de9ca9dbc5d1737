"""What a judge is to a scorer."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct


class JudgePrompt(Struct, frozen=True):
    """One text for a judge; `origin` names the prompt file it was made from, with its version and hash."""

    text: str
    origin: str


class Reply(Struct, frozen=True):
    """What came back: the judge's own words, or why there are none."""

    text: str | None
    fault: str | None = None


class Judge(Protocol):
    """A language model that reads answers. `model` stands in signatures."""

    model: str

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        """One Reply per prompt, in order; several may be asked at once. A failure is a Reply, never raised."""
        ...
