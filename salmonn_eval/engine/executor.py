"""Executors: who turns requests into answers.

`LocalExecutor` is this process; others plug in behind the same interface.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from salmonn_eval.data.ahead import DecodeAhead
from salmonn_eval.engine.isolate import Isolation
from salmonn_eval.engine.labelled import Labelling, Labels
from salmonn_eval.engine.provenance import without_tokens
from salmonn_eval.errors import AudioError
from salmonn_eval.models.protocol import Model
from salmonn_eval.records import Prediction, Request
from salmonn_eval.waveform import Waveform

MOST_UNHEARD = 16


class Executor(Protocol):
    """Answers every request once, in any order; stops pulling when `stop` is set and then ends by itself."""

    def answer(self, requests: Iterable[Request], stop: threading.Event) -> Iterator[Prediction]:
        """Stream answers; what fails is an error Prediction."""
        ...


def _unheeded(message: str) -> None:
    """Nobody asked for notes."""


class LocalExecutor:
    """One model in this process, audio decoded ahead in threads."""

    def __init__(
        self,
        model: Model,
        *,
        workers: int = 2,
        note: Callable[[str], None] = _unheeded,
        labels: Mapping[str, Labels] | None = None,
    ) -> None:
        """`labels`: tasks whose closed labels' log-probabilities are asked beside the answers (`labels_to_ask`)."""
        self._model = model
        self._workers = workers
        self._note = note
        self._labels = labels or {}

    def answer(self, requests: Iterable[Request], stop: threading.Event) -> Iterator[Prediction]:
        """Stream answers in the order the model gives them."""
        if self._model.card.capabilities.lora_scale != "per_call":
            yield from self._answer(requests, stop)
            return
        for group in _by_scale(requests):
            yield from self._answer(group, stop)

    def _answer(self, requests: Iterable[Request], stop: threading.Event) -> Iterator[Prediction]:
        unheard: deque[Prediction] = deque()
        with Ears(self._model, self._workers, self._note) as ears:
            labelling = Labelling(self._model, self._labels, ears, self._note)

            def work(asked: Iterator[Request]) -> Iterator[Prediction]:
                return self._model.generate(labelling.seen(asked), ears)

            feed = _Feed(ears.ready(requests), unheard, stop)
            while not feed.ended:
                for prediction in Isolation(work, _model_fault, _same_key).over(feed):
                    yield from _drained(unheard)
                    yield from labelling.add(ears.noted(prediction))
                yield from labelling.rest()
                yield from _drained(unheard)


class Ears:
    """The audio source a model is given: decoded ahead, with an account of what the model's limit cut off."""

    def __init__(self, model: Model, workers: int, note: Callable[[str], None]) -> None:
        self.note = note
        self._audio = model.card.capabilities.audio
        self._ahead = DecodeAhead(model.card.audio, workers=workers)
        self._heard: dict[str, tuple[float, bool]] = {}

    def __enter__(self) -> "Ears":
        return self

    def __exit__(self, *exception: object) -> None:
        self._ahead.close()

    def ready(self, requests: Iterable[Request]) -> Iterator[tuple[Request, AudioError | None]]:
        """Requests in order, each with its audio decoded or with its audio's fault."""
        if not self._audio:
            return ((request, None) for request in requests)
        return self._ahead.ready(requests)

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        """The request's decoded clips; decoded anew for a request on its second try."""
        heard = self._ahead.waveforms(request)
        self._heard[request.key] = (sum(wave.cut_s for wave in heard), any(wave.silent for wave in heard))
        return heard

    def noted(self, prediction: Prediction) -> Prediction:
        """The prediction with what was cut of its audio, by policy or model, and whether it is silent.

        One without a text is an error, whatever else it says.
        """
        cut, silent = self._heard.pop(prediction.key, (0.0, False))
        if prediction.text is None or prediction.finish == "error" or prediction.error is not None:
            why = prediction.error or "the model gave neither a text nor a reason"
            return msgspec.structs.replace(prediction, text=None, finish="error", error=without_tokens(why))
        cut = max(cut, prediction.cut_s)
        text = prediction.text.encode(
            "utf-8", "replace"
        ).decode()  # a lone surrogate, which no file can hold, becomes `?`
        return msgspec.structs.replace(prediction, text=text, cut_s=round(cut, 3), silent=silent)


def failure(request: Request, why: str) -> Prediction:
    """The error value of a request that could not be answered."""
    return Prediction(key=request.key, text=None, finish="error", error=without_tokens(why))


def _model_fault(request: Request, fault: Exception) -> Prediction:
    return failure(request, f"the model failed on sample {request.sample_id}: {type(fault).__name__}: {fault}")


def _same_key(pending: list[Request], prediction: Prediction) -> int | None:
    return next((index for index, request in enumerate(pending) if request.key == prediction.key), None)


class _Feed:
    """Requests for the model, until `stop` is set or there are no more; those that cannot be heard go to `unheard`.

    A pass over it also ends when many clips could not be heard: their errors are then handed on before the model is
    asked for the rest, and do not pile up behind a model that waits for something to answer.
    """

    def __init__(
        self,
        requests: Iterator[tuple[Request, AudioError | None]],
        unheard: deque[Prediction],
        stop: threading.Event,
    ) -> None:
        self._requests = requests
        self._unheard = unheard
        self._stop = stop
        self.ended = False

    def __iter__(self) -> Iterator[Request]:
        for request, fault in self._requests:
            if self._stop.is_set():
                break
            if fault is None:
                yield request
            else:
                self._unheard.append(failure(request, str(fault)))
            if len(self._unheard) >= MOST_UNHEARD:
                return
        self.ended = True


def _drained(unheard: deque[Prediction]) -> Iterator[Prediction]:
    while unheard:
        yield unheard.popleft()


def _by_scale(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Group by LoRA scale for models that take one scale a call; needs the requests in memory."""
    groups: dict[float | None, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.variant.lora_scale, []).append(request)
    for scale in sorted(groups, key=lambda scale: (scale is None, scale or 0.0)):
        yield groups[scale]
