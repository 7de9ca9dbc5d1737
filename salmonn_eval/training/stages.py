"""A stage from its file to its checkpoint."""

import platform
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import asdict

from salmonn_eval.jsonl import read_whole, write_json
from salmonn_eval.models.salmonn import folder
from salmonn_eval.models.salmonn.files import WHOLE, hashes
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.records import AudioPolicy
from salmonn_eval.training.config import Activation, Stage, TrainConfig, beside, read_config
from salmonn_eval.training.examples import Examples, FileExamples
from salmonn_eval.training.outputs import KeptOutputs
from salmonn_eval.training.parts import load_network
from salmonn_eval.training.record import Told, plot_curve, write_record
from salmonn_eval.training.run import Ended, Trainer, Validate
from salmonn_eval.training.stories import Story, StoryExamples, write_stories
from salmonn_eval.version import __version__

STORIES = "stories.json"
MakeValidate = Callable[[Loaded, TrainConfig], Validate | None]


class Stage3(Struct, frozen=True):
    """`stories.json`: what the network wrote, and at which scale."""

    lora_scale: float
    stories: tuple[Story, ...]


def run_stage(
    file: Path,
    stage: Stage,
    out: Path,
    *,
    note: Callable[[Told], None],
    stop: Callable[[], bool],
    validate: MakeValidate,
) -> Ended:
    """Train a stage as its file says, in `out`; a run that was interrupted goes on. Raises the errors of its parts."""
    config = read_config(file, stage)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loaded = load_network(config.network, file, seed=config.seed, device=device)
    policy = AudioPolicy(max_s=loaded.network.config.whisper.samples / 16_000, min_s=1.0, channels="first")
    examples = FileExamples(config, file, policy)
    return train_stage(config, loaded, examples, out, base=file, note=note, stop=stop, validate=validate)


def train_stage(
    config: TrainConfig,
    loaded: Loaded,
    examples: Examples,
    out: Path,
    *,
    base: Path,
    note: Callable[[Told], None],
    stop: Callable[[], bool] = lambda: False,
    validate: MakeValidate = lambda loaded, config: None,
) -> Ended:
    """The same with network and examples at hand; `base` is the training file, for what is relative to it."""
    out.mkdir(parents=True, exist_ok=True)
    if config.activation is not None:
        examples = _stories(config, config.activation, loaded, examples, out)
    kept = beside(base, config.encoder_outputs) if config.encoder_outputs else out / "encoder-outputs"
    trainer = Trainer(config, loaded, examples, out, kept=kept)
    facts = {"config": asdict(config), "data": examples.facts(), "learning": trainer.learning}
    ended = trainer.train(note=note, stop=stop, validate=validate(loaded, config))
    if not trainer.main:
        return ended
    weights = dict((path.name, digest) for path, digest in _hashes(out / "last" / WHOLE))
    write_record(out, **facts, weights=weights, attempt={"reached": ended.step, **_versions()})
    plot_curve(out, title=f"{config.stage}: {ended.step} of {config.steps} steps")
    if ended.finished and config.activation is not None and config.network.folder is not None:
        folder.save_adapter(loaded.network, out / "adapter", base=beside(base, config.network.folder))
    return ended


def _stories(config: TrainConfig, settings: Activation, loaded: Loaded, examples: Examples, out: Path) -> StoryExamples:
    """The stories of an earlier attempt, or new ones; they are written down before anything is learnt."""
    path = out / STORIES
    if path.exists():
        stories = list(read_whole(path, Stage3, what="stories").stories)
    else:
        asked = examples.draw(Random(f"stories {config.seed}"), 8 * settings.stories)
        if settings.targets == "references":
            kept = list({example.clip: example for example in asked}.values())[: settings.stories]
            stories = [Story(example.clip, example.instruction, example.target) for example in kept]
        else:
            stories = write_stories(
                loaded, config.template, KeptOutputs(loaded.network.hearing, examples.wave, None), asked, settings
            )
        write_json(path, Stage3(settings.lora_scale, tuple(stories)))
    return StoryExamples([story for story in stories if story.why_not is None], examples)


def _hashes(path: Path) -> Any:
    return [(Path(name), digest) for name, digest in hashes([path])] if path.exists() else []


def _versions() -> dict[str, Any]:
    import transformers

    return {
        "salmonn_eval": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }
