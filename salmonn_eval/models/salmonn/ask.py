"""What is asked of the language side, and what it answers, both in tokens."""

from typing import Literal

from msgspec import Struct

from salmonn_eval.models.salmonn.prompt import Prompt
from salmonn_eval.records import Generation


class Ask(Struct, frozen=True, eq=False):
    """A prompt to answer. `key` names the answer and seeds its sampling; `scale` is absolute (None: the default)."""

    key: str
    prompt: Prompt
    generation: Generation
    scale: float | None = None


class Answer(Struct, frozen=True):
    """Generated ids, the end of sequence with them if it came.

    `margin` is the smallest gap of scores that decided them: where it exceeds rounding, every batch gives these ids.
    """

    key: str
    ids: tuple[int, ...]
    finish: Literal["eos", "length"]
    tokens_in: int
    margin: float


class Forced(Struct, frozen=True, eq=False):
    """A prompt and the continuations to be scored under it, each with its end of sequence; none is empty."""

    prompt: Prompt
    continuations: tuple[tuple[int, ...], ...]
    scale: float | None = None
