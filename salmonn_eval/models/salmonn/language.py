"""The network's language side: prompts in, answers and log-probabilities out, any LoRA scale in any row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn.ask import Answer, Ask, Forced
from salmonn_eval.models.salmonn.decode import Decoder
from salmonn_eval.models.salmonn.llm import Llm
from salmonn_eval.models.salmonn.logprobs import logprobs
from salmonn_eval.models.salmonn.lora import Adapter


class Language:
    """A causal language model of transformers (Llama, in SALMONN) with peft's LoRA layers in it, or none.

    `ends` are the ids that end an answer; `rows` is how many prompts are answered at a time. The model stays in the
    dtype and on the device that it comes in.
    """

    def __init__(self, model: Any, ends: Sequence[int], *, rows: int, has_adapter: bool = True) -> None:
        """Raises UsageError for a network or an adapter that cannot be driven row by row."""
        self.adapter = Adapter(model) if has_adapter else None
        self.llm = Llm(model, ends, self.adapter)
        self._decoder = Decoder(self.llm, rows)

    def generate(self, asks: Iterable[Ask], note: Callable[[str], object] = str) -> Iterator[Answer]:
        """Answers as rows finish, in any order; equal to asking one by one. Asks are pulled as rows become free.

        `note` is told when the device's memory is short and fewer rows are answered at a time.

        Raises UsageError for an ask that cannot be, OutOfMemoryError for one that does not fit the device alone.
        """
        return self._decoder.decode((_checked(ask) for ask in asks), note)

    def logprobs(self, forced: Iterable[Forced]) -> Iterator[tuple[float, ...]]:
        """Natural-log probabilities of the tokens of each continuation, in order."""
        return logprobs(self.llm, forced, self._decoder.slots)


def _checked(ask: Ask) -> Ask:
    if ask.generation.do_sample and ask.generation.num_beams > 1:
        raise UsageError(f"num_beams={ask.generation.num_beams} with do_sample: sampling takes one beam; drop either")
    return ask
