"""The training loop of the encoders and the language model: cosine schedule, checkpoints, resuming."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn

STATE = "training.pt"
_SAVE_EVERY_S = 60.0


class Schedule(Struct, frozen=True):
    """Linear warm-up to `peak`, then a cosine to `last` times the peak."""

    steps: int
    peak: float
    warmup: int = 200
    last: float = 0.02

    def rate(self, step: int) -> float:
        """Learning rate of a step, the first being 0."""
        import math

        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        along = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.peak * (self.last + (1 - self.last) * 0.5 * (1 + math.cos(math.pi * along)))


def train(
    module: nn.Module,
    loss_of: Callable[[int], tuple[Tensor, dict[str, float]]],
    schedule: Schedule,
    folder: Path,
    *,
    note: Callable[[str], None],
    clip: float = 1.0,
) -> None:
    """Train to the end of the schedule, from the checkpoint in `folder` where there is one.

    `loss_of(step)` gives the loss of a step's batch, drawn from the step's number alone, and what to note beside it.
    Interrupted at any time, a second call goes on from the last checkpoint to the same weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(module.parameters(), lr=schedule.peak, betas=(0.9, 0.98), weight_decay=0.01)
    first = _resume(module, optimiser, folder)
    module.train()
    saved = said = time.monotonic()
    for step in range(first, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step)
        torch.manual_seed(step)
        loss, parts = loss_of(step)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(module.parameters(), clip))
        optimiser.step()
        now = time.monotonic()
        if now - said > 10 or step + 1 == schedule.steps:
            said = now
            shown = " ".join(f"{name} {value:.3f}" for name, value in parts.items())
            note(f"step {step + 1}/{schedule.steps} loss {float(loss.detach()):.3f} {shown} norm {norm:.2f}")
        if now - saved > _SAVE_EVERY_S or step + 1 == schedule.steps:
            saved = now
            _save(module, optimiser, step + 1, folder)
    module.eval()


def _save(module: nn.Module, optimiser: torch.optim.Optimizer, step: int, folder: Path) -> None:
    state = {"step": step, "module": module.state_dict(), "optimiser": optimiser.state_dict()}
    temporary = folder / f".{STATE}.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / STATE)


def _resume(module: nn.Module, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    path = folder / STATE
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path, weights_only=True)
    module.load_state_dict(state["module"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
