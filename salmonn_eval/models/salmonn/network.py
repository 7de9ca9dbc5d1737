"""The whole network: hearing, and the language model with its adapter."""

from typing import Any

import torch
from torch import nn

from salmonn_eval.models.salmonn.config import SalmonnConfig
from salmonn_eval.models.salmonn.hearing import Hearing
from salmonn_eval.models.salmonn.lora import add_lora


class Salmonn(nn.Module):
    """`hearing` turns clips into embeddings, `llama` reads them between texts and answers."""

    def __init__(self, config: SalmonnConfig) -> None:
        """Random weights; under `torch.device("meta")` none at all, see `empty`."""
        super().__init__()
        self.config = config
        self.hearing = Hearing(config)
        self.llama = _llama(config)


def empty(config: SalmonnConfig) -> Salmonn:
    """A network without memory for its weights, to be filled by `weights.fill`."""
    with torch.device("meta"):
        network = Salmonn(config)
    # Not a weight: computed from the configuration when it is made, so it must be made outside of `meta`.
    decoder = network.llama.model
    decoder.rotary_emb = type(decoder.rotary_emb)(config=decoder.config)
    return network.eval()


def _llama(config: SalmonnConfig) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    llama: Any = LlamaForCausalLM(LlamaConfig(**config.llama))
    if config.lora:
        add_lora(llama, config.lora.r, config.lora.alpha, config.lora.target_modules)
    return llama
