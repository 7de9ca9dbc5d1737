"""Training examples: from manifests of our own and from the SALMONN release's annotations."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Protocol

from msgspec import Struct
from torch import Tensor

from salmonn_eval import yamlfile
from salmonn_eval.canonical import fingerprint
from salmonn_eval.data.annotated import absent_file
from salmonn_eval.data.audio import decode
from salmonn_eval.data.manifest import read_manifest
from salmonn_eval.data.salmonn_json import Annotation, AudioFolder, clip_of
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.records import AudioPolicy, Clip, Sample
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.prompts import render
from salmonn_eval.tasks.seen_prompts import load_seen_prompts
from salmonn_eval.tasks.spec import TaskSpec
from salmonn_eval.training.config import DataList, TrainConfig, beside
from salmonn_eval.waveform import SAMPLE_RATE


class Example(Struct, frozen=True):
    """One thing to learn: answer `target` when asked `instruction` about a clip.

    `clip` names the clip's sound, which has so many `samples` (0: not known; then it is heard whole).
    """

    clip: str
    instruction: str
    target: str
    task: str = ""
    samples: int = 0


class Examples(Protocol):
    """Where training examples come from."""

    def draw(self, rng: Random, size: int) -> list[Example]:
        """Random examples; the same state of `rng` gives the same ones."""
        ...

    def wave(self, clip: str) -> Tensor:
        """A clip's samples [n], float32 mono at 16 kHz; raises AudioError."""
        ...

    def facts(self) -> dict[str, Any]:
        """What they are, for the run's record."""
        ...


class Listed(Struct, frozen=True):
    """A line of a list: its sound, its answers, and what fills its instruction."""

    clip: Clip
    targets: tuple[str, ...]
    task: str
    fields: dict[str, Any]


class FileExamples:
    """The lists of a training file. Annotation stays in memory, audio on disk."""

    def __init__(self, config: TrainConfig, config_file: Path, policy: AudioPolicy) -> None:
        """Raises UsageError and PrerequisiteError for what is broken, missing or empty."""
        self._policy = policy
        tasks = {task.spec.id: task.spec for task in discover().tasks}
        keys = {spec.release_key: spec.id for spec in tasks.values() if spec.release_key}
        self._wordings = _wordings(config, config_file, tasks)
        self._lists: list[list[Listed]] = []
        self._clips: dict[str, Clip] = {}
        self._found: list[dict[str, Any]] = []
        for entry in config.data:
            self._read(entry, config_file, keys)
        self._weights = [
            entry.weight if entry.weight is not None else float(len(found))
            for entry, found in zip(config.data, self._lists, strict=True)
        ]

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    def draw(self, rng: Random, size: int) -> list[Example]:
        """See Examples: a list by weight, then one of its lines, one of its answers, and one of its task's wordings."""
        drawn = []
        for chosen in rng.choices(self._lists, self._weights, k=size):
            line = rng.choice(chosen)
            instruction = line.fields.get("Q") or render(rng.choice(self._wordings[line.task]), line.fields)
            seconds = line.fields.get("duration_s")
            samples = round(seconds * SAMPLE_RATE) if isinstance(seconds, int | float) else 0
            drawn.append(Example(_name(line.clip), instruction, rng.choice(line.targets), line.task, samples))
        return drawn

    def lines(self) -> Iterator[Listed]:
        """All lines, in order."""
        for found in self._lists:
            yield from found

    def wave(self, clip: str) -> Tensor:
        """See Examples."""
        import torch

        return torch.from_numpy(decode(self._clips[clip], self._policy).samples)

    def facts(self) -> dict[str, Any]:
        """Lists with how many lines each gave, and how many it lacks."""
        return {"lists": self._found}

    def _read(self, entry: DataList, config_file: Path, keys: Mapping[str, str]) -> None:
        path = beside(config_file, entry.manifest or entry.annotation or "")
        audio = beside(config_file, entry.audio) if entry.audio else None
        kept: list[Listed] = []
        left_out = absent = 0
        for line in _lines(path, entry, audio, keys):
            if line.task not in self._wordings:
                raise UsageError(f"{path}: asks for the task `{line.task}`; expected one of {', '.join(keys)}")
            if absent_file(Sample("", (line.clip,))) is not None:
                absent += 1
            elif not line.targets or _too_long(line, entry):
                left_out += 1
            else:
                kept.append(line)
                self._clips[_name(line.clip)] = line.clip
        if not kept:
            raise PrerequisiteError(
                f"{path}: no example can be learnt: {absent} without audio on disk, {left_out} left out; expected "
                "audio where the file says (or give `audio: FOLDER`)"
            )
        self._lists.append(kept)
        self._found.append({"file": str(path), "examples": len(kept), "left_out": left_out, "without_audio": absent})


def _lines(path: Path, entry: DataList, audio: Path | None, keys: Mapping[str, str]) -> Iterator[Listed]:
    if not path.is_file():
        raise PrerequisiteError(f"{path}: no such file; expected a list of training examples")
    if entry.manifest:
        for item in read_manifest(path, audio):
            sample = item.sample
            for clip in sample.clips:
                yield Listed(clip, sample.references or sample.labels, entry.task or "", sample.fields)
        return
    files = AudioFolder(audio) if audio else None
    for one in read_whole(path, Annotation, what="SALMONN annotation").annotation:
        fields = {"Q": one.Q} if one.Q else {}
        yield Listed(clip_of(one, path, files), (one.text,), keys.get(one.task, one.task), fields)


def _too_long(line: Listed, entry: DataList) -> bool:
    seconds = line.fields.get("duration_s")
    if entry.max_s is not None and isinstance(seconds, int | float) and seconds > entry.max_s:
        return True
    return entry.max_characters is not None and max(map(len, line.targets)) > entry.max_characters


def _wordings(config: TrainConfig, config_file: Path, tasks: Mapping[str, TaskSpec]) -> dict[str, tuple[str, ...]]:
    """Per task its own instruction, or those of the file."""
    own: dict[str, tuple[str, ...]] = {name: (spec.instruction,) for name, spec in tasks.items()}
    if config.instructions is None:
        return own
    path = beside(config_file, config.instructions)
    if path.suffix == ".json":
        given = dict(load_seen_prompts(path, list(tasks.values())).wordings)
    else:
        given = yamlfile.load(path, dict[str, tuple[str, ...]])
    if unknown := [name for name in given if name not in tasks]:
        raise UsageError(f"{path}: no task is called {', '.join(unknown)}; there are: {', '.join(tasks)}")
    return {**own, **{name: texts for name, texts in given.items() if texts}}


def _name(clip: Clip) -> str:
    """A clip's own name: what it is made of."""
    return fingerprint(clip)
