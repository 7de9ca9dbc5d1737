"""What is minimised: the cross entropy of the answer's tokens, the end included, given clip and instruction."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.hearing import EncoderOutputs
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.prompt import Prompt, PromptBuilder

_SPARE_WINDOWS = 2
"""Speech tokens behind a clip's end that a trimmed batch keeps."""


class Objective(nn.Module):
    """The network with its loss. Only what `requires_grad` learns; encoder outputs come ready-made."""

    def __init__(self, loaded: Loaded, template: str) -> None:
        super().__init__()
        self.network = loaded.network
        self._tokenizer = loaded.tokenizer
        self._prompts = PromptBuilder(template, loaded.tokenizer)

    def forward(
        self,
        outputs: Sequence[EncoderOutputs],
        instructions: Sequence[str],
        targets: Sequence[str],
        windows: Sequence[int] | None = None,
    ) -> Tensor:
        """Mean loss per answer token of a batch; `windows` cuts each clip's speech to so many windows."""
        hearing = self.network.hearing
        speech = [hearing.projection(heard) for heard in hearing.read(self._cut(outputs, windows))]
        answers = [self.answer(target) for target in targets]
        prompts = []
        for instruction, heard, answer in zip(instructions, speech, answers, strict=True):
            prompt = self._prompts.heard(instruction, heard)
            prompts.append(Prompt(prompt.prefix_ids, heard, (*prompt.suffix_ids, *answer[:-1])))
        return self._cross_entropy(prompts, answers)

    def answer(self, target: str) -> tuple[int, ...]:
        """The tokens of an answer, and the end of sequence."""
        return (*self._prompts.ids(target), int(self._tokenizer.eos_token_id))

    def _cut(self, outputs: Sequence[EncoderOutputs], windows: Sequence[int] | None) -> list[EncoderOutputs]:
        """Windows know nothing of each other, so those that are left are what they would be in the whole."""
        if windows is None:
            return [(_as(self.network, pair[0]), _as(self.network, pair[1])) for pair in outputs]
        settings = self.network.config.qformer
        cut: list[Any] = []
        for (speech, audio), count in zip(outputs, windows, strict=True):
            positions = (min(count, settings.windows(len(speech))) - 1) * settings.stride + settings.kernel
            kept = None if audio is None else _as(self.network, audio[:positions])
            cut.append((_as(self.network, speech[:positions]), kept))
        return cut

    def _cross_entropy(self, prompts: Sequence[Prompt], answers: Sequence[tuple[int, ...]]) -> Tensor:
        llama: Any = self.network.llama
        rows = embed(prompts, llama.get_input_embeddings())
        hidden = llama.model(inputs_embeds=rows, use_cache=False).last_hidden_state
        # Right padding needs no mask: attention is causal, and nothing behind an answer is looked at.
        read = [
            row[len(prompt) - len(answer) : len(prompt)]
            for row, prompt, answer in zip(hidden, prompts, answers, strict=True)
        ]
        scores = llama.lm_head(torch.cat(read))
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        wanted = torch.tensor([token for answer in answers for token in answer], device=scores.device)
        return F.cross_entropy(scores, wanted)


def windows_of(samples: int, positions_a_window: int) -> int:
    """Windows that hold a clip of so many samples, and a little silence."""
    return -(-samples // (320 * positions_a_window)) + _SPARE_WINDOWS


def _as(network: Any, tensor: Tensor | None) -> Any:
    """Kept outputs in the dtype of the layers that read them."""
    return None if tensor is None else tensor.to(network.hearing.ln_speech.weight.dtype)
