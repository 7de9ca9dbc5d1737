"""Eight-bit weights for the language model, through bitsandbytes (Dettmers et al. 2022, arXiv 2208.07339)."""

import importlib.util
from typing import Any

from torch import nn

from salmonn_eval.errors import PrerequisiteError


def to_int8(llama: nn.Module) -> None:
    """Replace every projection but the head and the adapter's by one that keeps its weight in eight bits, in place.

    The weights are quantised when the model is moved to its device. Raises PrerequisiteError without bitsandbytes.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise PrerequisiteError("--dtype int8 needs the package bitsandbytes; pip install bitsandbytes")
    for name, module in list(llama.named_modules()):
        if isinstance(module, nn.Linear) and "lora_" not in name and name != "lm_head":
            parent, _, child = name.rpartition(".")
            setattr(llama.get_submodule(parent), child, _eight_bit(module))


def _eight_bit(linear: nn.Linear) -> Any:
    import bitsandbytes

    library: Any = bitsandbytes.nn
    short = library.Linear8bitLt(
        linear.in_features, linear.out_features, bias=linear.bias is not None, has_fp16_weights=False, device="meta"
    )
    short.weight = library.Int8Params(linear.weight.data, requires_grad=False, has_fp16_weights=False)
    short.bias = linear.bias
    return short
