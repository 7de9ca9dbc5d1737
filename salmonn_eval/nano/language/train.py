"""Training the language model from nothing, on text."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.models.salmonn.prompt import PromptBuilder
from salmonn_eval.models.salmonn.weights import read_safetensors
from salmonn_eval.nano.encoders.loop import Schedule, train
from salmonn_eval.nano.language.corpus import Example, draw_example
from salmonn_eval.nano.language.soft import softened

TEMPLATE = "USER: <Speech><SpeechHere></Speech> {instruction}\nASSISTANT:"
WINDOWS = 29
"""Speech tokens of a clip."""
_DRAWN_AHEAD = 8


class Recipe(Struct, frozen=True):
    """How long and how fast."""

    steps: int = 2_600
    batch: int = 48
    peak: float = 1.5e-3
    seed: int = 1
    lean: dict[str, float] = {}
    """Task -> how many times its share of the mix."""


def llama_config(tokenizer: Any) -> dict[str, Any]:
    """Fields of transformers' `LlamaConfig`: 256 x 5, the embedding tied to the output."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id,
    }


class TextTeacher(nn.Module):
    """The language model, asked about words that sound like an ear's."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        from transformers import LlamaConfig, LlamaForCausalLM

        settings = LlamaConfig(**llama_config(tokenizer))
        settings._attn_implementation = "eager"  # faster on short sequences
        self.llama: Any = LlamaForCausalLM(settings)
        self._tokenizer = tokenizer
        self._prompts = PromptBuilder(TEMPLATE, tokenizer)
        (self._silence,) = self._prompts.ids(".")[-1:]

    def loss(self, examples: Sequence[Example], rng: Random) -> Tensor:
        """Mean cross entropy over the answers' tokens, the end included."""
        pieces: list[Sequence[int]] = [(self._silence,)]
        answers = []
        for example in examples:
            prompt = self._prompts.read(example.instruction, "")
            answer = (*self._prompts.ids(example.item.target), int(self._tokenizer.eos_token_id))
            pieces += [prompt.prefix_ids, self._prompts.ids(example.heard), (*prompt.suffix_ids, *answer[:-1])]
            answers.append(answer)
        # One lookup for all: each would have a gradient of the table's size.
        table = self.llama.get_input_embeddings()
        silence, *found = table(torch.tensor([token for piece in pieces for token in piece])).split(
            [len(piece) for piece in pieces]
        )
        rows = [
            torch.cat([before, softened(heard, silence[0], rng, WINDOWS), after])
            for before, heard, after in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]
        hidden = self.llama.model(
            inputs_embeds=nn.utils.rnn.pad_sequence(rows, batch_first=True), use_cache=False
        ).last_hidden_state
        # Right padding needs no mask: attention is causal, and nothing after an answer is looked at.
        read = [row[len(one) - len(answer) : len(one)] for row, one, answer in zip(hidden, rows, answers, strict=True)]
        scores = self.llama.lm_head(torch.cat(read)).float()
        return F.cross_entropy(scores, torch.tensor([token for answer in answers for token in answer]))


def train_language(
    out: Path, tokenizer: Any, recipe: Recipe, *, note: Callable[[str], None], start: Path | None = None
) -> TextTeacher:
    """Train, resuming what `out` holds; then write the model and its tokenizer there, in transformers' layout.

    `start` is a trained model to go on from.
    """
    torch.manual_seed(recipe.seed)
    teacher = TextTeacher(tokenizer)
    if start is not None:
        weights = read_safetensors(start)
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]  # tied, so saved once
        teacher.llama.load_state_dict(weights)

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = Random(f"language {recipe.seed} {step}")
        with torch.autocast("cpu", torch.bfloat16):
            return teacher.loss(_batch(step, recipe), rng), {}

    train(teacher, loss_of, Schedule(recipe.steps, recipe.peak), out, note=note)
    teacher.llama.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return teacher


def _batch(step: int, recipe: Recipe) -> list[Example]:
    """Examples of nearly one length: eight batches' worth are drawn and dealt by length."""
    group, place = divmod(step, _DRAWN_AHEAD)
    rng = Random(f"examples {recipe.seed} {group}")
    drawn = [draw_example(rng, lean=recipe.lean) for _ in range(_DRAWN_AHEAD * recipe.batch)]
    drawn.sort(key=lambda example: len(example.heard) + len(example.instruction) + 2 * len(example.item.target))
    order = list(range(_DRAWN_AHEAD))
    rng.shuffle(order)
    start = order[place] * recipe.batch
    return drawn[start : start + recipe.batch]
