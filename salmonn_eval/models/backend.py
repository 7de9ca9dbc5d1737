"""What a backend is, and the table of those that come along."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

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


class Shipped(Struct, frozen=True):
    """Where a backend's `BACKEND` lies, the packages it imports, and the extra that installs them."""

    target: str
    packages: tuple[str, ...] = ()
    extra: str | None = None


BACKENDS: Mapping[str, Shipped] = {
    "replay": Shipped("salmonn_eval.models.replay:BACKEND"),
    "whisper": Shipped("salmonn_eval.models.whisper:BACKEND", ("torch", "transformers"), "whisper"),
    "pocketsphinx": Shipped("salmonn_eval.models.pocketsphinx:BACKEND", ("pocketsphinx",), "baselines"),
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
