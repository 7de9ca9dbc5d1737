"""What a training file would do, before anything large is loaded."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.records import AudioPolicy
from salmonn_eval.training.config import Stage, TrainConfig, beside, describe, read_config
from salmonn_eval.training.examples import FileExamples


def survey(file: Path, stage: Stage) -> Iterator[str]:
    """Sentences: the settings, what is missing of the files, and every list with what it gives."""
    config = read_config(file, stage)
    yield ", ".join(f"{name} {value}" for name, value in describe(config).items())
    yield from _files(config, file)
    for entry in config.data:
        one = replace(config, data=(entry,), instructions=None)
        try:
            (found,) = FileExamples(one, file, AudioPolicy()).facts()["lists"]
        except PrerequisiteError as fault:
            yield f"missing: {fault}{f' ({entry.note})' if entry.note else ''}"
        else:
            yield "{file}: {examples} examples, {without_audio} without audio, {left_out} left out".format(**found)


def _files(config: TrainConfig, file: Path) -> Iterator[str]:
    network = config.network
    parts = {
        "folder": network.folder,
        "whisper": network.whisper,
        "beats": network.beats,
        "llm": network.llm,
        "instructions": config.instructions,
    }
    for name, given in parts.items():
        if given is not None:
            there = beside(file, given).exists()
            yield f"{name}: {beside(file, given)} is {'there' if there else 'missing'}"
