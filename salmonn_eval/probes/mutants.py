"""Mutants: small wrappers that plant one fault in any model, so that a diagnosis can be seen to find it, or not to.

Each mutant is a `Model` whose card has a name and a fingerprint of its own. Faults of what is asked (another
instruction stands in the prompt) and of what is heard reach log-probabilities too; faults of what is said do not.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import AudioSource, Model, ModelCard
from salmonn_eval.probes.settings import instruction_of
from salmonn_eval.records import Prediction, Request, TokenLogprobs
from salmonn_eval.waveform import Waveform

PHONES_SHARE = 0.02
REPEATS = 8
_YES_NO = re.compile(r"^\s*(yes|no)\b", re.I)


def _same_request(request: Request) -> Request:
    return request


def _same_prediction(request: Request, prediction: Prediction) -> Prediction:
    return prediction


class Fault(Struct, frozen=True):
    """One fault: `asked` changes a request's instruction, `deaf` its sound, `said` the answer."""

    what: str
    asked: Callable[[Request], Request] = _same_request
    deaf: bool = False
    said: Callable[[Request, Prediction], Prediction] = _same_prediction


def _instead(task: str) -> Callable[[Request], Request]:
    """The instruction of another task in place of the one that is asked."""

    def asked(request: Request) -> Request:
        return msgspec.structs.replace(request, instruction=instruction_of(task))

    return asked


def _phones_now_and_then(request: Request) -> Request:
    """Phones are asked for on 2 % of the clips, chosen by the sample's id."""
    digest = hashlib.sha256(f"phones:{request.sample_id}".encode()).digest()
    if int.from_bytes(digest[:8]) / 2**64 >= PHONES_SHARE:
        return request
    return _instead("pr")(request)


def _chinese_for_japanese(request: Request) -> Request:
    return msgspec.structs.replace(request, instruction=request.instruction.replace("Japanese", "Chinese"))


def _always_yes(request: Request, prediction: Prediction) -> Prediction:
    if prediction.text is None:
        return prediction
    return msgspec.structs.replace(prediction, text=_YES_NO.sub("yes", prediction.text))


def _without_end(request: Request, prediction: Prediction) -> Prediction:
    """The answer over and over, until the cap."""
    if prediction.text is None:
        return prediction
    text = " ".join([prediction.text] * REPEATS)
    return msgspec.structs.replace(prediction, text=text, finish="length", tokens_out=request.generation.max_new_tokens)


FAULTS: Mapping[str, Fault] = {
    "always-transcribes": Fault("every instruction is read as the transcription's", asked=_instead("asr")),
    "always-captions": Fault("every instruction is read as the captioning's", asked=_instead("aac")),
    "phones-2-percent": Fault("on 2 % of the clips phones are given", asked=_phones_now_and_then),
    "deaf": Fault("every clip is heard as silence", deaf=True),
    "yes-bias": Fault("every yes or no becomes yes", said=_always_yes),
    "runaway": Fault("answers repeat until the cap", said=_without_end),
    "chinese-for-japanese": Fault("Japanese is answered in Chinese", asked=_chinese_for_japanese),
}


class Mutant:
    """A model with one fault."""

    def __init__(self, model: Model, name: str) -> None:
        """`name` is one of `FAULTS`; UsageError lists them."""
        if name not in FAULTS:
            raise UsageError(f"there is no mutant `{name}`; expected one of {', '.join(FAULTS)}")
        self._model = model
        self._fault = FAULTS[name]
        self.card: ModelCard = msgspec.structs.replace(
            model.card,
            name=f"{model.card.name}+{name}",
            fingerprint=fingerprint({"model": model.card.fingerprint, "mutant": name}),
        )

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """The model's answers, with the fault."""
        asked: dict[str, Request] = {}

        def changed() -> Iterator[Request]:
            for request in requests:
                asked[request.key] = request
                yield self._fault.asked(request)

        for prediction in self._model.generate(changed(), self._ears(audio)):
            yield self._fault.said(asked.pop(prediction.key), prediction)

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """The model's own, of the prompts that it now reads and of what it now hears."""
        changed = (self._fault.asked(request) for request in requests)
        return self._model.logprobs(changed, continuations, self._ears(audio))

    def _ears(self, audio: AudioSource) -> AudioSource:
        return Deafened(audio) if self._fault.deaf else audio


class Deafened:
    """An audio source of digital silence, as long as the clips are."""

    def __init__(self, audio: AudioSource) -> None:
        self._audio = audio

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        """Zeros in place of each clip."""
        heard = self._audio.waveforms(request)
        return tuple(msgspec.structs.replace(wave, samples=np.zeros_like(wave.samples)) for wave in heard)

    def note(self, message: str) -> None:
        """Handed on."""
        self._audio.note(message)
