"""The mini test sets: a hundred held-out items a task, in held-out voices, as manifests with Opus audio."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.canonical import fingerprint
from salmonn_eval.jsonl import write_atomic
from salmonn_eval.nano.scene import Scene, Utterance
from salmonn_eval.nano.sound.render import render
from salmonn_eval.nano.sound.speech import coded
from salmonn_eval.nano.sound.voices import all_voices, voices
from salmonn_eval.nano.world.items import Item, item
from salmonn_eval.nano.world.scenes import Told, told_of

ITEMS = 100
# Set -> its task, the kind of scene, and the set whose clips it shares.
SETS: Mapping[str, tuple[str, str, str | None]] = {
    "asr": ("asr", "speech", None),
    "en2zh": ("en2zh", "speech", "asr"),
    "en2de": ("en2de", "speech", "asr"),
    "en2ja": ("en2ja", "speech", "asr"),
    "pr": ("pr", "speech", "asr"),
    "ke": ("ke", "speech", "asr"),
    "sf": ("sf", "speech", "asr"),
    "sqa": ("sqa", "speech", "asr"),
    "gr": ("gr", "speech", "asr"),
    "story-speech": ("story", "speech", "asr"),
    "er": ("er", "emotional", None),
    "sqqa": ("sqqa", "question", None),
    "sac": ("sac", "background", None),
    "aac": ("aac", "events", None),
    "aqa": ("aqa", "events", "aac"),
    "story-sound": ("story", "events", "aac"),
    "mc": ("mc", "music", None),
    "mqa": ("mqa", "music", "mc"),
    "sv": ("sv", "joined", None),
    "osr": ("osr", "mixed", None),
}


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a manifest."""

    id: str
    audio: str
    fields: dict[str, Any]
    references: tuple[str, ...]
    labels: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    group: dict[str, str] = {}
    sha256: str = ""
    duration_s: float = 0.0


def write_mini_sets(folder: Path, *, seed: int = 1, items: int = ITEMS) -> None:
    """Write `SET.jsonl` for every set, and `audio/`; clips that lie there already are left as they are."""
    import hashlib

    shared: dict[str, list[Told]] = {}
    for name, (task, kind, clips_of) in SETS.items():
        known = shared.setdefault(clips_of or name, [] if clips_of else list(_scenes(name, kind, seed, items)))
        rng = Random(f"mini {seed} {name} items")
        lines = []
        for told in known:
            path = _clip(folder, clips_of or name, told.scene)
            (found,) = item(task, told, rng)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(_line(path, folder, told, found, digest))
        write_atomic(folder / f"{name}.jsonl", [msgspec.json.encode(line) + b"\n" for line in lines])


def _scenes(name: str, kind: str, seed: int, items: int) -> Iterator[Told]:
    """Held-out scenes, no two of one text."""
    rng = Random(f"mini {seed} {name}")
    seen: set[str] = set()
    while len(seen) < items:
        told = told_of(kind, rng, "test", voices("test"))
        marked = fingerprint([[utterance.text for utterance in told.scene.utterances], told.scene.seed])
        if marked not in seen:
            seen.add(marked)
            yield told


def _clip(folder: Path, set_: str, scene: Scene) -> Path:
    """The scene's audio, rendered unless it lies there."""
    path = folder / "audio" / f"{set_}-{fingerprint(scene)[:10]}.opus"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, [coded(render(scene))])
    return path


def _line(path: Path, folder: Path, told: Told, found: Item, digest: str) -> Line:
    import soundfile

    scene = told.scene
    return Line(
        id=path.stem,
        audio=str(path.relative_to(folder)),
        fields={**found.material},
        references=found.references,
        labels=found.labels,
        cluster=_cluster(found.task, told, path.stem),
        group=_group(scene.utterances),
        sha256=digest,
        duration_s=round(soundfile.info(path).duration, 3),
    )


def _cluster(task: str, told: Told, name: str) -> tuple[str, ...]:
    """What is resampled: the voices, the question where one is asked in several voices, else the clip."""
    if told.question is not None:
        return (told.question.combination,)
    voices_ = dict.fromkeys(utterance.voice for utterance in told.scene.utterances)
    return tuple(voices_) if task in _BY_VOICE else (name,)


_BY_VOICE = ("asr", "en2zh", "en2de", "en2ja", "pr", "sf", "sqa", "gr", "er", "osr", "sv")


def _group(utterances: tuple[Utterance, ...]) -> dict[str, str]:
    """The engine and sex of a lone voice."""
    if len(utterances) != 1:
        return {}
    voice = all_voices()[utterances[0].voice]
    return {"engine": voice.engine, "gender": voice.sex}
