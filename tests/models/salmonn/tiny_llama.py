"""Tiny random language models with adapters, and prompts for them: same seed, same weights, same answers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from salmonn_eval.models.salmonn.ask import Ask
from salmonn_eval.models.salmonn.lora import add_lora
from salmonn_eval.models.salmonn.prompt import Prompt
from salmonn_eval.records import Generation

VOCABULARY, SIZE, END = 120, 32, 2
SCALES = (4.0, 2.0, 1.0, 0.5, 0.0)


def bare_llama(seed: int = 0, **config: object):
    """A LlamaForCausalLM whose next tokens depend on all it reads; its ends come after a few tokens, or never."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": SIZE, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        llama = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, **{**shape, **config})).eval()
        for parameter in llama.parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.35)
        llama.lm_head.weight.data[END] *= 1.6
    return llama


def adapted_llama(seed: int = 0, **config: object):
    """The same with an adapter of rank 8 and scale 4 whose both factors are random."""
    llama = add_lora(bare_llama(seed, **config), 8, 32)
    fill_lora(llama)
    return llama.eval()


def fill_lora(llama: torch.nn.Module, seed: int = 1) -> None:
    """Random numbers for every LoRA factor."""
    draw = torch.Generator().manual_seed(seed)
    for name, parameter in llama.named_parameters():
        if ".lora_" in name:
            parameter.data.copy_(0.1 * torch.randn(parameter.shape, generator=draw))


def random_prompts(count: int, seed: int = 0) -> list[Prompt]:
    """Prompts of 3 to 40 positions; every fourth has no speech."""
    draw = torch.Generator().manual_seed(seed)

    def ids(longest: int) -> tuple[int, ...]:
        length = int(torch.randint(1, longest, (), generator=draw))
        return tuple(torch.randint(3, VOCABULARY, (length,), generator=draw).tolist())

    def speech(number: int) -> Tensor | None:
        length = int(torch.randint(2, 20, (), generator=draw))
        return torch.randn(length, SIZE, generator=draw) if number % 4 else None

    return [Prompt((1, *ids(5)), speech(number), ids(16)) for number in range(count)]


def asks(prompts: Sequence[Prompt], generation: Generation, caps: Sequence[int] = (12,)) -> list[Ask]:
    """One ask a prompt, going round through scales and caps."""
    from msgspec.structs import replace

    return [
        Ask(
            f"ask-{number}",
            prompt,
            replace(generation, max_new_tokens=caps[number % len(caps)]),
            SCALES[number % len(SCALES)],
        )
        for number, prompt in enumerate(prompts)
    ]
