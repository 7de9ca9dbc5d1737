"""Test sets whose corpus is text: read from the folder that `prepare` wrote, with the voice in every signature."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.inspec import read_inspec
from salmonn_eval.data.corpora.wikiqa import read_wikiqa
from salmonn_eval.data.manifest import read_manifest
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.tasks.spec import DatasetSpec

VOICE_FILE = "voice.json"
Texts = Callable[[DatasetSpec, Path], Iterator[Item]]
TEXTS: Mapping[str, Texts] = {"inspec": read_inspec, "wikiqa": read_wikiqa}


class Voice(Struct, frozen=True):
    """Who speaks a test set: an engine (with its version) and one of its voices, or `recordings` and whose they are."""

    engine: str
    voice: str

    def __str__(self) -> str:
        return f"{self.engine}.{self.voice}"


def manifest_name(corpus: str, split: str) -> str:
    """The manifest that `prepare` writes and the reader looks for."""
    return f"{corpus}-{split}.jsonl"


def open_spoken(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The spoken test set in `folder` (or its `speech/`), made by `salmonn-eval prepare CORPUS`.

    Raises PrerequisiteError when there is only text, or nothing.
    """
    name = manifest_name(dataset.source, dataset.split or "test")
    for place in (folder, folder / "speech"):
        manifest, voice = place / name, place / VOICE_FILE
        if manifest.is_file() and voice.is_file():
            who = read_whole(voice, Voice, what="voice of a spoken test set")
            return AnnotatedSource(
                partial(read_manifest, manifest),
                partial(files_stamp, [manifest], place),
                protocol=(("speech", str(who)),),
            )
    count = sum(1 for _ in TEXTS[dataset.source](dataset, folder))
    corpus = dataset.source
    raise PrerequisiteError(
        f"{folder}: the {count} texts of {corpus} are there, their speech ({name} and {VOICE_FILE}) is not; "
        f"make it with `salmonn-eval prepare {corpus} --tts espeak-ng --data {corpus}={folder} --out DIR`, "
        f"then say --data {corpus}=DIR"
    )


def named(row: Item, audio: str, sha256: str | None, seconds: float | None) -> dict[str, object]:
    """A manifest's line for a text and its audio (relative to the manifest)."""
    sample = row.sample
    line: dict[str, object] = {"id": sample.id, "audio": audio, "fields": sample.fields}
    line["references"] = sample.references
    if sha256 is not None:
        line |= {"sha256": sha256, "duration_s": seconds}
    plain: dict[str, object] = msgspec.to_builtins(line)
    return plain
