"""A model of your own out of one function."""

import time
from collections.abc import Callable, Iterable, Iterator

from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import UsageError
from salmonn_eval.models.backend import WithoutLogprobs
from salmonn_eval.models.protocol import AudioSource, Capabilities, Model, ModelCard
from salmonn_eval.records import AudioPolicy, Prediction, Request
from salmonn_eval.waveform import Waveform

Respond = Callable[[str, tuple[Waveform, ...]], str]


def wrap(name: str, respond: Respond, *, version: str, audio: AudioPolicy | None = None) -> Model:
    """A `Model` that answers each request by `respond(instruction, clips)`, one at a time.

    `clips` are decoded as `audio` says (mono float32 at 16 kHz, of any length, unless told otherwise). `version` names
    the weights and whatever else decides an answer: answers of another version are never taken for this one's. An
    exception of `respond` is an error of that sample, not an empty answer.
    """
    if not name or not version:
        raise UsageError("wrap: name and version are empty; expected a name for tables, and what decides its answers")
    card = ModelCard(
        name=name,
        backend="wrapped",
        fingerprint=fingerprint({"name": name, "version": version}),
        audio=audio or AudioPolicy(long_audio="keep"),
        capabilities=Capabilities(decoding="own"),
    )
    return _Wrapped(card, respond)


class _Wrapped(WithoutLogprobs):
    def __init__(self, card: ModelCard, respond: Respond) -> None:
        self.card = card
        self._respond = respond

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """One answer a request, in order."""
        for request in requests:
            clips = audio.waveforms(request)
            started = time.perf_counter()
            text: object = self._respond(request.instruction, clips)
            if not isinstance(text, str):
                raise TypeError(f"model `{self.card.name}` answered {type(text).__name__}; expected a text")
            cut_s = max((clip.cut_s for clip in clips), default=0.0)
            yield Prediction(request.key, text, "unknown", seconds=time.perf_counter() - started, cut_s=cut_s)
