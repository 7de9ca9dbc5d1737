"""Checkpoints of a training run: a network that a model card loads, and the state to go on from.

last/     the newest checkpoint, as a network of our own (`folder.py`), and state.pt
best/     the one with the best validation, without the state
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct

from salmonn_eval.errors import PrerequisiteError

STATE = "state.pt"


class Resumed(Struct, frozen=True):
    """Where a run goes on: the step that comes next, and the best validation so far."""

    step: int = 0
    best: float | None = None


def save_state(folder: Path, weights: dict[str, torch.Tensor], optimiser: Any, scaler: Any, resumed: Resumed) -> None:
    """Write the learning weights in full precision and all that the next step depends on; whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "step": resumed.step,
        "best": resumed.best,
        "weights": {name: tensor.detach().cpu() for name, tensor in weights.items()},
        "optimiser": optimiser.state_dict(),
        "scaler": scaler.state_dict() if scaler is not None else None,
    }
    temporary = folder / f".{STATE}.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / STATE)


def load_state(folder: Path, weights: dict[str, torch.nn.Parameter], optimiser: Any, scaler: Any) -> Resumed:
    """Put back what `save_state` wrote; PrerequisiteError for a state of another run."""
    path = folder / STATE
    if not path.exists():
        return Resumed()
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    if set(state["weights"]) != set(weights):
        raise PrerequisiteError(f"{path}: other weights learnt there; name another --out, or remove the folder")
    with torch.no_grad():
        for name, parameter in weights.items():
            parameter.copy_(state["weights"][name])
    optimiser.load_state_dict(state["optimiser"])
    if scaler is not None and state["scaler"] is not None:
        scaler.load_state_dict(state["scaler"])
    return Resumed(state["step"], state["best"])


def replaced(temporary: Path, folder: Path) -> None:
    """Put a finished folder in the place of an older one."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    temporary.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
