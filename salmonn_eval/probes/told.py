"""Log-probabilities of texts under many requests about one clip, every LoRA scale in one batch where the model can."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from salmonn_eval.engine.executor import Ears
from salmonn_eval.models.protocol import Model
from salmonn_eval.records import Request

Tokens = tuple[float, ...]
"""Natural-log probabilities of one text's tokens, the end of sequence last."""


def _unheeded(message: str) -> None:
    """A batch that had to be halved changes no number."""


class Teller:
    """Asks a model for log-probabilities; a context, since audio is decoded in threads."""

    def __init__(self, model: Model, workers: int = 1) -> None:
        self._model = model
        self._ears = Ears(model, workers, _unheeded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ears.__exit__(kind, value, trace)

    def tell(self, requests: Sequence[Request], texts: Sequence[str]) -> list[list[Tokens]]:
        """Of each request, in order, each text's tokens. The keys of the requests must differ.

        Raises AudioError where a clip cannot be heard, and what the model raises.
        """
        found: dict[str, list[Tokens]] = {request.key: [] for request in requests}
        for batch in self._batches(requests):
            ready = list(self._ears.ready(batch))
            for _, fault in ready:
                if fault is not None:
                    raise fault
            for row in self._model.logprobs([request for request, _ in ready], texts, self._ears):
                found[row.key].append(row.logprobs)
        return [found[request.key] for request in requests]

    def _batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """All of them, or those of each scale where the model takes one scale a call."""
        if self._model.card.capabilities.lora_scale != "per_call":
            return [list(requests)]
        scales = dict.fromkeys(request.variant.lora_scale for request in requests)
        return [[request for request in requests if request.variant.lora_scale == scale] for scale in scales]
