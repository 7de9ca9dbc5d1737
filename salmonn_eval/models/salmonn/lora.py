"""The adapter's scale, one number a row, in one forward pass.

LoRA (Hu et al. 2021, arXiv 2106.09685) adds `scale · B(A(x))` to a projection; SALMONN's activation tuning and its task
over-fitting turn on that scale. Ours is absolute: alpha / r is part of it, 4.0 is the release's own, and 0 is the bare
language model. peft keeps the scale as a number per layer; a tensor [rows, 1, 1] in its place gives each row its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from salmonn_eval.errors import UsageError


def add_lora(llm: nn.Module, rank: int, alpha: float, targets: Sequence[str] = ("q_proj", "v_proj")) -> nn.Module:
    """Give every projection called one of `targets` an adapter, in place; the same module is returned.

    A projection's own weight is then called `base_layer.weight`, the adapter's `lora_A.default.weight` [rank, in] and
    `lora_B.default.weight` [out, rank].
    """
    import peft

    library: Any = peft
    config = library.LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), lora_dropout=0.0)
    adapted: nn.Module = library.inject_adapter_in_model(config, llm)
    return adapted


class Adapter:
    """The LoRA layers inside a language model.

    `default` is the absolute scale it was trained with (alpha / r). Raises UsageError for a model without LoRA layers
    and for adapters to which one scale a row cannot be given: two adapters at once, layers scaled differently, DoRA and
    other variants, or whole modules replaced (there scale 0 would not be the bare model).
    """

    def __init__(self, llm: nn.Module) -> None:
        from peft.tuners.lora import LoraLayer
        from peft.utils import ModulesToSaveWrapper

        layers = [module for module in llm.modules() if isinstance(module, LoraLayer)]
        names = {name for layer in layers for name in layer.scaling}
        scales = {float(value) for layer in layers for value in layer.scaling.values()}
        replaced = any(isinstance(module, ModulesToSaveWrapper) for module in llm.modules())
        if len(names) != 1 or len(scales) != 1:
            raise UsageError(
                f"the language model has {len(layers)} LoRA layers, {len(names)} adapters and {len(scales)} scales; "
                "expected one adapter whose layers share one scale"
            )
        if replaced or any(layer.lora_variant for layer in layers):
            raise UsageError("the adapter is more than plain LoRA (DoRA, or whole modules saved); merge it instead")
        (self._name,) = names
        (self.default,) = scales
        self._layers: list[Any] = layers

    @contextmanager
    def scaled(self, scales: Tensor) -> Iterator[None]:
        """Inside, row i of every forward pass is adapted by `scales[i]`, absolute, and no other number of rows fits."""
        # float32 whatever the model's dtype: a scale such as 1.1 is not a bfloat16 number.
        rows = scales.to(torch.float32).view(-1, 1, 1)
        self._set(rows)
        try:
            yield
        finally:
            self._set(self.default)

    def _set(self, scale: Tensor | float) -> None:
        for layer in self._layers:
            layer.scaling[self._name] = scale
