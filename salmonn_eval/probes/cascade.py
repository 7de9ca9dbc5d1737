"""A model as its own cascade: it first writes down what it hears, then its bare language model reads that."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from salmonn_eval.canonical import fingerprint
from salmonn_eval.models.backend import WithoutLogprobs
from salmonn_eval.models.protocol import AudioSource, Model, ModelCard
from salmonn_eval.records import Prediction, Request

AT_ONCE = 64


class Cascade(WithoutLogprobs):
    """Answers the text of its own transcript (or caption), written at its default scale, at the scale asked."""

    def __init__(self, model: Model, write_down: Callable[[Request], str]) -> None:
        """`write_down` is the instruction that asks for what is said, or heard, in a request's clip."""
        self._model = model
        self._write_down = write_down
        self.card: ModelCard = replace(
            model.card,
            name=f"{model.card.name}+cascade",
            fingerprint=fingerprint({"model": model.card.fingerprint, "cascade": 1}),
        )

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Some requests at a time: all are written down, then all are answered."""
        waiting = iter(requests)
        while some := {request.key: request for request in islice(waiting, AT_ONCE)}:
            written: list[Request] = []
            for prediction in self._model.generate(map(self._first, some.values()), audio):
                if prediction.text is None:
                    yield prediction
                else:
                    written.append(replace(some[prediction.key], clips=(), text=prediction.text))
            yield from self._model.generate(written, audio)

    def _first(self, request: Request) -> Request:
        variant = replace(request.variant, lora_scale=self.card.default_lora_scale)
        return replace(request, instruction=self._write_down(request), variant=variant)
