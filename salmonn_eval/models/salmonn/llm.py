"""The language model as decoding needs it: three kinds of forward passes of one transformers network, scales by row."""

import inspect
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn.lora import Adapter
from salmonn_eval.models.salmonn.prompt import Prompt


class Llm:
    """A causal language model of transformers, with or without LoRA layers.

    `ends` are the ids that end an answer; `positions` is how many tokens it can hold. Raises UsageError for networks
    whose attention is not plain: what a row sees is said by a mask, which must hold in every layer.
    """

    def __init__(self, model: Any, ends: Sequence[int], adapter: Adapter | None) -> None:
        name = type(model).__name__
        kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
        if kinds != {"full_attention"} or getattr(model.config, "sliding_window", None):
            raise UsageError(f"{name}: its layers attend to {', '.join(sorted(kinds))}; expected full attention only")
        takes = inspect.signature(model.forward).parameters
        for parameter in ("inputs_embeds", "position_ids", "logits_to_keep"):
            if parameter not in takes:
                raise UsageError(f"{name}: its forward pass takes no `{parameter}`; choose a Llama-like network")
        model.set_attn_implementation("sdpa")
        self._cache = "cache" if "cache" in takes else "past_key_values"  # renamed within transformers 5
        self._model = model.eval()
        self._adapter = adapter
        self.table = model.get_input_embeddings()
        self.ends = frozenset(ends)
        self.positions = int(model.config.max_position_embeddings)

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self.table.weight.device

    def room(self, prompt: Prompt) -> int:
        """How many tokens can follow a prompt; UsageError if none can."""
        room = self.positions - len(prompt)
        if room < 1:
            raise UsageError(f"the prompt takes {len(prompt)} tokens; the language model holds {self.positions} in all")
        return room

    def scales(self, scales: Sequence[float | None]) -> Tensor | None:
        """The absolute scale of each row as a tensor, None being the adapter's own; no tensor without an adapter."""
        if self._adapter is None:
            if any(scales):
                raise UsageError("a LoRA scale was given; the model has no adapter")
            return None
        default = self._adapter.default
        return torch.tensor([default if scale is None else scale for scale in scales], device=self.device)

    def read(self, embeds: Tensor, lengths: Tensor, cache: Any, scales: Tensor | None) -> Tensor:
        """Read prompts [rows, T, d] padded on the right; the next token's logits [rows, vocabulary], float32.

        `lengths` [rows] are the prompts' own; the logits are those at each one's last position.
        """
        rows, longest, _ = embeds.shape
        causal = torch.ones(longest, longest, dtype=torch.bool, device=embeds.device).tril()[None, None]
        positions = torch.arange(longest, device=embeds.device).expand(rows, -1)
        kept, which = torch.unique(lengths - 1, return_inverse=True)  # few: prompts of a task are much alike
        logits = self._forward(scales, cache, inputs_embeds=embeds, position_ids=positions, mask=causal, kept=kept)
        return logits[torch.arange(rows, device=logits.device), which].float()

    def step(self, tokens: Tensor, positions: Tensor, mask: Tensor, cache: Any, scales: Tensor | None) -> Tensor:
        """Read one token a beam, `tokens` and `positions` [rows, beams]; logits [rows, beams, vocabulary], float32.

        `mask` [rows, beams, columns] says which columns of the cache a beam sees.
        """
        embeds = self.table(tokens)
        return self._forward(scales, cache, inputs_embeds=embeds, position_ids=positions, mask=mask[:, None]).float()

    def force(self, embeds: Tensor, positions: Tensor, mask: Tensor, first: int, scales: Tensor | None) -> Tensor:
        """Read whole rows [rows, T, d] under `mask` [rows, T, T]; logits [rows, T - first, vocabulary]."""
        kept = torch.arange(first, embeds.shape[1], device=embeds.device)
        return self._forward(
            scales, None, inputs_embeds=embeds, position_ids=positions, mask=mask[:, None], kept=kept
        ).float()

    def _forward(
        self, scales: Tensor | None, cache: Any, *, mask: Tensor, kept: Tensor | int = 0, **inputs: Tensor
    ) -> Tensor:
        told = {self._cache: cache, "use_cache": cache is not None, "attention_mask": mask, "logits_to_keep": kept}
        scaled = nullcontext() if scales is None or self._adapter is None else self._adapter.scaled(scales)
        with scaled:
            logits: Tensor = self._model(**inputs, **told).logits
        return logits
