"""From prompts to the language model's input embeddings, one batch at a time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from salmonn_eval.models.salmonn.prompt import Prompt


def embed(prompts: Sequence[Prompt], table: nn.Module) -> Tensor:
    """Embeddings [prompts, longest, d_llm] in the table's dtype: speech as it comes, padded on the right.

    Padding stands behind everything that is read, where a causal model cannot see it: no prompt's numbers depend on its
    neighbours, positions count from 0, and a prompt's answer begins at its own last position. The release pads between
    prompt and answer, and reads its first token off the padding.
    """
    rows = [torch.cat(list(_pieces(prompt, table))) for prompt in prompts]
    return pad_sequence(rows, batch_first=True)


def _pieces(prompt: Prompt, table: Any) -> list[Tensor]:
    weight = table.weight
    text = [torch.tensor(ids, dtype=torch.long, device=weight.device) for ids in (prompt.prefix_ids, prompt.suffix_ids)]
    speech = [] if prompt.speech is None else [prompt.speech.to(weight.device, weight.dtype)]
    return [table(text[0]), *speech, table(text[1])]
