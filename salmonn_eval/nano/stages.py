"""The three stages of salmonn-nano: what they ask about the pool, and how they are trained."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from salmonn_eval.errors import UsageError
from salmonn_eval.nano.scene import Split
from salmonn_eval.nano.sound.pool import PooledClip, pooled, shards, told
from salmonn_eval.nano.world.instructions import draw_wording, wordings
from salmonn_eval.nano.world.items import item
from salmonn_eval.nano.world.scenes import Told
from salmonn_eval.training.config import Activation, DataList, Network, Optimiser, Stage, TrainConfig
from salmonn_eval.training.examples import Example

# Task -> share of the examples of a stage, and the kinds of scene that it is asked about.
PRETRAINING: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "asr": (76, ("speech", "speech", "speech", "emotional", "question", "background")),
    "aac": (18, ("events",)),
    "mc": (6, ("music",)),
}
TUNING: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "asr": (20, ("speech", "speech", "speech", "emotional", "question", "background")),
    "en2zh": (20, ("speech",)),
    "aac": (8, ("events",)),
    "pr": (12, ("speech", "question")),
    "er": (8, ("emotional",)),
    "mc": (4, ("music",)),
    "osr": (10, ("mixed",)),
    "sv": (7, ("joined",)),
    "gr": (4, ("speech", "emotional")),
    "sqa": (3, ("speech",)),
    "aqa": (3, ("events",)),
    "mqa": (2, ("music",)),
}
STORIES: Mapping[str, tuple[float, tuple[str, ...]]] = {"story": (1, ("speech", "events"))}
CONTROL: Mapping[str, tuple[float, tuple[str, ...]]] = {"asr": (1, ("speech",)), "aac": (1, ("events",))}


class PoolExamples:
    """Examples about the clips of a pool. `wordings` "release" asks in the release's own words alone."""

    def __init__(
        self,
        pool: Path,
        split: Split,
        mix: Mapping[str, tuple[float, tuple[str, ...]]],
        *,
        seed: int,
        one_wording: bool,
    ) -> None:
        """Raises UsageError where the pool is not the one that the seed gives."""
        self._mix = mix
        self._one_wording = one_wording
        self._clips: dict[str, PooledClip] = {}
        self._told: dict[str, list[tuple[str, Told]]] = {}
        for rows in shards(pool):
            number = int(rows.stem.rpartition("-")[2])
            for place, (clip, known) in enumerate(zip(pooled(rows), told(number, split, seed=seed), strict=True)):
                if clip.scene != known.scene:
                    raise UsageError(f"{rows}: holds other scenes than seed {seed} gives; make the pool anew")
                name = f"{split}-{number}-{place}"
                self._clips[name] = clip
                self._told.setdefault(known.kind, []).append((name, known))

    def draw(self, rng: Random, size: int) -> list[Example]:
        """See Examples."""
        return [self._one(rng, task) for task in self._tasks(rng, size)]

    def _tasks(self, rng: Random, size: int) -> list[str]:
        return rng.choices(list(self._mix), [weight for weight, _ in self._mix.values()], k=size)

    def _one(self, rng: Random, task: str) -> Example:
        name, known = rng.choice(self._told[rng.choice(self._mix[task][1])])
        (found,) = item(task, known, rng)
        instruction = (
            _filled(wordings()[task][0], found.asked) if self._one_wording else draw_wording(rng, task, found.asked)
        )
        return Example(name, instruction, found.target, task, len(self._clips[name].samples))

    def wave(self, clip: str) -> Tensor:
        """See Examples."""
        return torch.from_numpy(self._clips[clip].samples.astype(np.float32) / 32767)

    def facts(self) -> dict[str, Any]:
        """How many clips there are, and what is asked about them."""
        return {"clips": len(self._clips), "tasks": {task: weight for task, (weight, _) in self._mix.items()}}


def _filled(template: str, fields: Mapping[str, str]) -> str:
    for name, value in fields.items():
        template = template.replace("{{ " + name + " }}", value)
    return template


class StageRecipe(Struct, frozen=True):
    """How long and how fast a stage learns."""

    steps: int
    batch: int
    peak_lr: float
    lora_factor: float
    warmup: int = 100


def stage_config(
    stage: Stage,
    recipe: StageRecipe,
    *,
    seed: int,
    outputs: Path,
    folder: Path | None = None,
    activation: Activation | None = None,
) -> TrainConfig:
    """The training file of a stage, as a record; `folder` is the network that it starts from.

    `outputs` keeps what the encoders make of the pool, for all stages.
    """
    return TrainConfig(
        stage=stage,
        network=Network(folder=str(folder) if folder else None),
        data=(DataList(manifest="pool", task="asr"),),
        steps=recipe.steps,
        train=("lora",) if stage == "activate" else ("qformer", "lora"),
        batch_size=recipe.batch,
        optimiser=Optimiser(
            peak_lr=recipe.peak_lr,
            first_lr=recipe.peak_lr / 50,
            last_lr=recipe.peak_lr / 20,
            warmup_steps=recipe.warmup,
            weight_decay=0.01,
            lora_factor=recipe.lora_factor,
            clip=1.0,
        ),
        precision="bf16",
        encoder_outputs=str(outputs.absolute()),
        trim=0.85,
        activation=activation,
        save_every=250,
        seed=seed,
    )
