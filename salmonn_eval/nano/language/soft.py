"""Words as an ear would give them: stretched, blurred into their neighbours, noisy, with silence after them."""

from random import Random

import torch
from torch import Tensor

CLEAN = 0.3
"""Share of examples that stay as they are."""


def softened(embeddings: Tensor, silence: Tensor, rng: Random, windows: int) -> Tensor:
    """Embeddings [n, d] as up to `windows` or more soft tokens [m, d]; `silence` [d] fills what remains, mostly.

    The language model learns from them to read audio tokens, which are never quite one word.
    """
    if rng.random() < CLEAN or not len(embeddings):
        return embeddings
    generator = torch.Generator().manual_seed(rng.getrandbits(40))
    count = max(1, round(len(embeddings) * rng.uniform(0.9, 2.0)))
    places = (torch.linspace(0, len(embeddings) - 1, count) + rng.uniform(-0.2, 0.2)).round().long()
    soft = embeddings[places.clamp(0, len(embeddings) - 1)]
    blur = rng.uniform(0, 0.4) * torch.rand(count, 1, generator=generator)
    soft = (1 - blur) * soft + blur * soft.roll(rng.choice((-1, 1)), 0)
    if rng.random() < 0.75 and count < windows:
        soft = torch.cat([soft, silence.expand(windows - count, -1)])
    noise = torch.randn(soft.shape, generator=generator) * embeddings.detach().std()
    return soft + rng.uniform(0, 0.5) * noise
