"""The learning rate of a step."""

import math

from salmonn_eval.training.config import Optimiser


def rate(settings: Optimiser, steps: int, step: int) -> float:
    """Linear from `first_lr` to `peak_lr` over the warm-up, then half a cosine to `last_lr` at the last step."""
    if step < settings.warmup_steps:
        return settings.first_lr + (settings.peak_lr - settings.first_lr) * step / settings.warmup_steps
    along = (step - settings.warmup_steps) / max(1, steps - 1 - settings.warmup_steps)
    return settings.last_lr + (settings.peak_lr - settings.last_lr) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))
