"""One stage of training, from its first step or from where it stopped, in one process or in many."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import torch
from msgspec import Struct

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.salmonn.folder import save
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.training.config import Part, TrainConfig
from salmonn_eval.training.examples import Example, Examples
from salmonn_eval.training.objective import Objective, windows_of
from salmonn_eval.training.outputs import KeptOutputs
from salmonn_eval.training.parts import learning
from salmonn_eval.training.record import Curve, Told
from salmonn_eval.training.schedule import rate
from salmonn_eval.training.state import Resumed, load_state, replaced, save_state

Validate = Callable[[Path, int], float]
"""Scores a checkpoint folder after a step; higher is better."""


class Ended(Struct, frozen=True):
    """How training ended: the step it reached, and whether that is the last."""

    step: int
    finished: bool


class Trainer:
    """Trains what `config.train` names of a loaded network; the rest is frozen and may be in any dtype."""

    def __init__(self, config: TrainConfig, loaded: Loaded, examples: Examples, out: Path, *, kept: Path) -> None:
        """Prepares everything; encoder outputs are kept in `kept`.

        Raises PrerequisiteError where accelerate or the network's adapter is missing.
        """
        self._config = config
        self._loaded = loaded
        self._examples = examples
        self._out = out
        self._accelerator = _accelerator(config)
        self._main = bool(self._accelerator.is_main_process)
        learnt = learning(loaded.network, config.train)
        if "lora" in config.train and not learnt["lora"]:
            raise PrerequisiteError("the network has no adapter to train; give its configuration a `lora`")
        self._weights = {name: weight for parameters in learnt.values() for name, weight in parameters}
        objective = Objective(loaded, config.template)
        groups = [{"params": [weight for _, weight in found], "part": part} for part, found in learnt.items() if found]
        settings = config.optimiser
        optimiser = torch.optim.AdamW(
            groups, lr=settings.peak_lr, betas=settings.betas, weight_decay=settings.weight_decay
        )
        self._objective, self._optimiser = self._accelerator.prepare(objective, optimiser)
        self._outputs = KeptOutputs(
            loaded.network.hearing, examples.wave, kept if config.keep_encoder_outputs else None
        )

    @property
    def main(self) -> bool:
        """Whether this process writes the files."""
        return self._main

    @property
    def learning(self) -> dict[str, int]:
        """How many numbers learn, by part of the name."""
        found: dict[str, int] = {}
        for name, weight in self._weights.items():
            part = "lora" if ".lora_" in name else name.split(".")[1]
            found[part] = found.get(part, 0) + weight.numel()
        return found

    def train(
        self,
        *,
        note: Callable[[Told], None],
        stop: Callable[[], bool] = lambda: False,
        validate: Validate | None = None,
    ) -> Ended:
        """Train to the last step, or until `stop` says so after a step; a second call goes on where the first ended.

        Killed at any time, it goes on from the last checkpoint to the weights that it would have had.
        """
        config = self._config
        state = load_state(self._out, self._weights, self._optimiser, self._accelerator.scaler)
        curve = Curve(self._out, state.step) if self._main else None
        began = time.monotonic()
        step = state.step
        self._objective.eval()  # no dropout: what is frozen stays as it answers
        while step < config.steps and not stop():
            loss, norm = self._step(step)
            step += 1
            left = (time.monotonic() - began) / (step - state.step) * (config.steps - step)
            told = Told(step, config.steps, loss, rate(config.optimiser, config.steps, step - 1), norm, left)
            if curve is not None:
                curve.add(told)
                note(told)
            last = step == config.steps
            due = validate is not None and config.validate and (step % config.validate.every == 0 or last)
            if last or due or step % config.save_every == 0:
                state = self._checkpoint(step, state, validate if due else None)
        if step < config.steps:
            self._checkpoint(step, state, None)
        if curve is not None:
            curve.close()
        return Ended(step, step == config.steps)

    def _step(self, step: int) -> tuple[float, float]:
        """One optimiser step; its loss and the norm of its gradient."""
        config, accelerator = self._config, self._accelerator
        self._set_rates(step)
        losses = []
        for number in range(config.accumulate):
            part = (step * config.accumulate + number) * accelerator.num_processes + accelerator.process_index
            drawn = Random(f"{config.seed} {part}")
            batch = self._examples.draw(drawn, config.batch_size)
            final = number == config.accumulate - 1
            with self._synchronised(final), accelerator.autocast():
                loss = self._loss(batch, drawn)
            with self._synchronised(final):
                accelerator.backward(loss / config.accumulate)
            losses.append(loss.detach())
        norm = self._clipped()
        self._optimiser.step()
        self._optimiser.zero_grad()
        mean = accelerator.reduce(torch.stack(losses).mean(), reduction="mean")
        return float(mean), norm

    @contextmanager
    def _synchronised(self, final: bool) -> Iterator[None]:
        """Processes exchange gradients with the last part of a step only."""
        if final:
            yield
        else:
            with self._accelerator.no_sync(self._objective):
                yield

    def _loss(self, batch: list[Example], rng: Random) -> torch.Tensor:
        outputs = self._outputs.of([example.clip for example in batch])
        known = all(example.samples for example in batch)
        windows = self._windows(batch) if known and rng.random() < self._config.trim else None
        loss: torch.Tensor = self._objective(
            outputs, [example.instruction for example in batch], [example.target for example in batch], windows
        )
        return loss

    def _windows(self, batch: list[Example]) -> list[int]:
        positions = self._loaded.network.config.qformer.stride
        return [windows_of(example.samples, positions) for example in batch]

    def _set_rates(self, step: int) -> None:
        settings = self._config.optimiser
        now = rate(settings, self._config.steps, step)
        factors: Mapping[Part, float] = {"qformer": 1.0, "lora": settings.lora_factor}
        for group in self._optimiser.param_groups:
            group["lr"] = now * factors[group["part"]]

    def _clipped(self) -> float:
        """The gradient's norm before it is clipped."""
        bound = self._config.optimiser.clip
        weights = list(self._weights.values())
        norm = self._accelerator.clip_grad_norm_(weights, float("inf") if bound is None else bound)
        return float(norm)

    def _checkpoint(self, step: int, before: Resumed, validate: Validate | None) -> Resumed:
        """Save; with `validate` score it and keep it as the best if it is."""
        best = before.best
        if self._main:
            last = self._saved(self._out / "last")
            if validate is not None:
                score = validate(last, step)
                if best is None or score > best:
                    best = score
                    self._saved(self._out / "best")
            state = Resumed(step, best)
            save_state(self._out, dict(self._weights), self._optimiser, self._accelerator.scaler, state)
        self._accelerator.wait_for_everyone()
        return Resumed(step, best)

    def _saved(self, folder: Path) -> Path:
        temporary = folder.with_name(f".{folder.name}.new")
        save(self._loaded, temporary)
        replaced(temporary, folder)
        return folder


def _accelerator(config: TrainConfig) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError as fault:
        raise PrerequisiteError("training needs the package accelerate; pip install accelerate") from fault
    cpu = not torch.cuda.is_available()
    return Accelerator(cpu=cpu, mixed_precision=config.precision)
