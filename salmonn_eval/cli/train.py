"""`train`: the three stages of the paper."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.models.salmonn.loaded import Loaded
    from salmonn_eval.training.config import Stage, TrainConfig
    from salmonn_eval.training.record import Told
    from salmonn_eval.training.run import Validate

app = typer.Typer(help="Train a SALMONN: pre-training, instruction tuning, activation tuning.", no_args_is_help=True)
TELL_EVERY_S = 5.0

File = Annotated[Path, typer.Option("--config", help="The stage's file (docs/training.md).")]
Out = Annotated[Path, typer.Option("--out", help="Where checkpoints, loss and record go; a run there goes on.")]


@app.command("pretrain")
def pretrain(config: File, out: Out, dry_run: o.DryRun = False) -> None:
    """Stage 1: recognition and captioning; the ears are joined to the language model."""
    _go("pretrain", config, out, dry_run=dry_run)


@app.command("instruct")
def instruct(config: File, out: Out, dry_run: o.DryRun = False) -> None:
    """Stage 2: the trained tasks, with their instructions."""
    _go("instruct", config, out, dry_run=dry_run)


@app.command("activate")
def activate(config: File, out: Out, dry_run: o.DryRun = False) -> None:
    """Stage 3: a few stories that the network writes itself at a lower LoRA scale."""
    _go("activate", config, out, dry_run=dry_run)


@app.command("nano")
def nano(
    out: Annotated[Path, typer.Option("--out", help="Where every step leaves its product; what is there goes on.")],
    scale: Annotated[str, typer.Option("--scale", help="full, or tiny: the same steps in minutes.")] = "full",
    until: Annotated[str | None, typer.Option("--until", help="The last step to do.")] = None,
    parts: Annotated[
        Path | None,
        typer.Option(
            "--parts", help="Folder of trained parts (language, speech, audio), or of a whole network, to start from."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Draw stages 2 and 3 by this seed, from the same stage 1, into OUT/seed-N."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes that render speech.", min=1)] = 2,
) -> None:
    """Make salmonn-nano from nothing, step by step: world, speech, language, encoders, stages 1 to 3, nano."""
    import torch

    from salmonn_eval.cli.console import say, tell
    from salmonn_eval.errors import UsageError
    from salmonn_eval.nano.chain import SCALES, Chain

    if scale not in SCALES:
        raise UsageError(f"--scale {scale}: expected {' or '.join(SCALES)}")
    torch.set_num_threads(1)  # on tensors this small a second thread waits more than it works
    chain = Chain(out, SCALES[scale], workers=workers, note=tell, parts=parts, tuning_seed=seed)
    chain.run(until=until)
    say(f"done: {out}")


def _go(stage: "Stage", file: Path, out: Path, *, dry_run: bool) -> None:
    from salmonn_eval.cli.console import say, tell
    from salmonn_eval.errors import ExitCode
    from salmonn_eval.training.stages import run_stage
    from salmonn_eval.training.survey import survey

    if dry_run:
        for line in survey(file, stage):
            say(line)
        return
    stop = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("stopping after this step; once more to stop at once")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ended = run_stage(file, stage, out, note=_Notes(), stop=stop.is_set, validate=_validation(out))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not ended.finished:
        tell(f"interrupted after step {ended.step}; everything is in {out}")
        tell(f"to go on: salmonn-eval train {stage} --config {file} --out {out}")
        raise typer.Exit(ExitCode.INTERRUPTED)
    say(f"trained: {out / 'last'}\nloss: {out / 'loss.svg'}\nrecord: {out / 'train.json'}")


class _Notes:
    """A line every few seconds."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, told: "Told") -> None:
        import time

        from salmonn_eval.cli.console import hours, tell

        now = time.monotonic()
        if now - self._said >= TELL_EVERY_S or told.step == told.steps:
            self._said = now
            tell(
                f"step {told.step}/{told.steps}  loss {told.loss:.4f}  lr {told.rate:.2e}  "
                f"grad {told.norm:.2f}  {hours(told.seconds_left)} left"
            )


def _validation(out: Path) -> Any:
    def make(loaded: "Loaded", config: "TrainConfig") -> "Validate | None":
        from salmonn_eval.api.validation import Validation

        return Validation(loaded, config, out / "validation") if config.validate else None

    return make
