"""The window-level Q-Former: a few queries per third of a second turn encoder outputs into speech tokens.

Tang et al. 2023, section 3.1. The network is BLIP-2's Q-Former as transformers has it, with cross-attention in every
layer (`cross_attention_frequency=1`; the library's default of 2 is another network) and without text input.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from salmonn_eval.models.salmonn.config import QformerConfig


class WindowQformer(nn.Module):
    """Windows of joined encoder outputs in, `queries` vectors a window out."""

    def __init__(self, config: QformerConfig, joined_size: int) -> None:
        super().__init__()
        self.config = config
        self.query_tokens = nn.Parameter(torch.zeros(1, config.queries, config.hidden_size))
        nn.init.normal_(self.query_tokens, std=0.02)
        self.bert = Blip2QFormerModel(
            Blip2QFormerConfig(
                hidden_size=config.hidden_size,
                num_attention_heads=config.num_attention_heads,
                intermediate_size=config.intermediate_size,
                num_hidden_layers=config.num_hidden_layers,
                encoder_hidden_size=joined_size,
                cross_attention_frequency=1,
                use_qformer_text_input=False,
            )
        )

    def forward(self, clips: Sequence[Tensor]) -> list[Tensor]:
        """[windows_i * queries, hidden_size] of each clip's joined outputs [positions_i, joined_size].

        Windows know nothing of each other, so all clips' windows are one batch.
        """
        if not self.config.window_level:
            return [self._ask(clip[None]) for clip in clips]
        windows = [clip.unfold(0, self.config.kernel, self.config.stride).transpose(1, 2) for clip in clips]
        answers = self._ask(torch.cat(windows))
        return list(torch.split(answers, [len(cut) * self.config.queries for cut in windows]))

    def _ask(self, windows: Tensor) -> Tensor:
        """[n * queries, hidden_size] of windows [n, positions, joined_size]."""
        queries = self.query_tokens.expand(len(windows), -1, -1)
        answers: Tensor = self.bert(query_embeds=queries, encoder_hidden_states=windows).last_hidden_state
        return answers.flatten(0, 1)
