"""Backends as another package would add them: one that hears and answers with some work, and one that has a bug."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from salmonn_eval.models.backend import WithoutLogprobs
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.protocol import AudioSource, Model, ModelCard
from salmonn_eval.records import Prediction, Request
from salmonn_eval.waveform import SAMPLE_RATE


class Listener(WithoutLogprobs):
    """Answers how many seconds and how much sound it heard."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self._rounds = int(card.arguments.get("rounds") or 1)

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        for request in requests:
            heard = [wave.samples for clip, wave in zip(request.clips, audio.waveforms(request), strict=True) if clip]
            hashlib.pbkdf2_hmac("sha256", request.key.encode(), b"", self._rounds)
            seconds = sum(len(samples) for samples in heard) / SAMPLE_RATE
            yield Prediction(request.key, f"i heard {seconds:.2f} seconds", "eos")


class Listening:
    dtypes: tuple[str, ...] = ("float32",)

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        return "listener"

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Model:
        return Listener(card)


class Buggy(Listening):
    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Model:
        return [][len(card.name)]


LISTENER = Listening()
BUGGY = Buggy()
