"""What a model is to the rest of salmonn-eval."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from salmonn_eval.records import AudioPolicy, Prediction, Request, TokenLogprobs
from salmonn_eval.tasks.spec import Suite
from salmonn_eval.waveform import Waveform

Decoding = Literal["as asked", "own", "unknown"]
LoraCapability = Literal["none", "per_call", "per_row"]


class Capabilities(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a backend can do beyond answering one clip.

    `text`: it can read what is said or heard in place of hearing it (`Request.text`). `decoding`: whether decoding
    settings reach it (`as asked`), it has none or its own (`own`), or its answers come from elsewhere and nobody knows
    (`unknown`).
    """

    lora_scale: LoraCapability = "none"
    logprobs: bool = False
    beams: bool = False
    several_clips: bool = False
    audio: bool = True
    text: bool = False
    decoding: Decoding = "as asked"


class ModelCard(Struct, frozen=True, omit_defaults=True):
    """A model as it will answer. `fingerprint` covers weights, template and dtype; it stands in every request key.

    `tasks` limits what the model can be asked (None: everything); `suite` is asked when nobody says `--suite`;
    `quick_limit` is how many clips a set of an embedded suite gets when nobody says `--limit`; `default_lora_scale` is
    absolute.
    """

    name: str
    backend: str
    fingerprint: str
    family: str = ""
    description: str = ""
    template: str = "{instruction}"
    audio: AudioPolicy = AudioPolicy()
    capabilities: Capabilities = Capabilities()
    tasks: tuple[str, ...] | None = None
    trained_tasks: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    default_lora_scale: float | None = None
    generation: dict[str, Any] = {}
    suite: Suite = "mini-real"
    quick_limit: int | None = None
    train_seed: int | None = None
    dtype: str = "float32"
    arguments: dict[str, Any] = {}


class AudioSource(Protocol):
    """Decoded audio of a request; already at hand when the model pulls the request."""

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        """The request's clips, decoded once; a model calls this at most once per request."""
        ...

    def note(self, message: str) -> None:
        """Tell the run of something that changed how it goes, such as a batch that had to be halved."""
        ...


class Model(Protocol):
    """Anything that answers requests. Answers may come in any order; each request gets exactly one."""

    card: ModelCard

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answer requests, forming batches as the model likes; `requests` is pulled lazily."""
        ...

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Token log-probabilities of each continuation under each request; needs `capabilities.logprobs`."""
        ...


class OutOfMemoryError(Exception):
    """A batch of one does not fit: an error of that request."""
