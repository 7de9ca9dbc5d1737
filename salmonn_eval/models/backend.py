"""What a backend is, and the table of those that come along."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.protocol import AudioSource, Model, ModelCard
from salmonn_eval.records import Request, TokenLogprobs


class Backend(Protocol):
    """A way to answer. Modules name one as `BACKEND`; it holds no state."""

    dtypes: tuple[str, ...]

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """Plain data that differs when answers may: file hashes and settings, never a path. Loads nothing.

        Raises PrerequisiteError when a file is missing, saying which and where to get it.
        """
        ...

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Model:
        """Make the model ready to answer. `device` is `auto`, `cpu`, `cuda` or `cuda:N`."""
        ...


class CachingBackend(Backend, Protocol):
    """A backend that can keep what its encoders make of a clip, so that no task pays for them twice."""

    def load_cached(self, card: ModelCard, *, device: str, batch_size: int | None, encoder_cache: Path) -> Model:
        """Like `load`, with encoder outputs kept in a folder; answers are the same."""
        ...


@runtime_checkable
class AdapterBackend(Protocol):
    """A backend whose adapter's own scale stands in its files, not in the card."""

    def default_lora_scale(self, arguments: Mapping[str, Any]) -> float:
        """The absolute scale, alpha / r included; PrerequisiteError or UsageError if the files do not tell."""
        ...


class EstimatingBackend(Backend, Protocol):
    """A backend that can tell what a run needs before anything is loaded."""

    def estimate(self, card: ModelCard, *, requests: int, clips: int, tokens: int, beams: int) -> list[str]:
        """Sentences about memory and time of requests over so many clips, each of at most so many tokens and beams."""
        ...


class Shipped(Struct, frozen=True):
    """Where a backend's `BACKEND` lies, and the packages it imports."""

    target: str
    packages: tuple[str, ...] = ()


BACKENDS: Mapping[str, Shipped] = {
    "replay": Shipped("salmonn_eval.models.replay:BACKEND"),
    "whisper": Shipped("salmonn_eval.models.whisper:BACKEND", ("torch", "transformers")),
    "salmonn": Shipped("salmonn_eval.models.salmonn.backend:BACKEND", ("torch", "transformers", "peft")),
    "peft": Shipped("salmonn_eval.models.peft_text:BACKEND", ("torch", "transformers", "peft")),
    "pocketsphinx": Shipped("salmonn_eval.models.pocketsphinx:BACKEND", ("pocketsphinx",)),
}


def file_sha256(path: Path, *, what: str) -> str:
    """Hexadecimal SHA-256 of a file; PrerequisiteError with `what` (what it is and where to get it) if unreadable."""
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise PrerequisiteError(f"{path}: cannot be read ({fault.strerror}); expected {what}") from fault


class WithoutLogprobs:
    """Models that only give text."""

    card: ModelCard

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Raises UsageError: the card's `capabilities.logprobs` is false."""
        raise UsageError(f"model `{self.card.name}` gives no log-probabilities; choose one whose card says `logprobs`")
