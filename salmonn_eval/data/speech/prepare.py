"""Speech made once for a corpus of texts: in parallel, atomically, and going on where it was interrupted."""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import soundfile
import soxr
from msgspec import Struct

from salmonn_eval.data.annotated import Item
from salmonn_eval.data.encoded import sha256
from salmonn_eval.data.speech.engines import Engine
from salmonn_eval.data.speech.spoken import TEXTS, VOICE_FILE, Voice, manifest_name, named
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import creating, encode_rows, read_whole, write_atomic, write_json
from salmonn_eval.tasks.spec import DatasetSpec, TaskSpec
from salmonn_eval.waveform import SAMPLE_RATE

Progress = Callable[[int, int], None]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Prepared(Struct, frozen=True):
    """What was written: the manifest, how many texts were spoken now and before, seconds of speech in all."""

    manifest: Path
    made: int
    kept: int
    seconds: float


def spoken_dataset(tasks: Iterable[TaskSpec], corpus: str) -> DatasetSpec:
    """The first test set of a corpus of texts; UsageError for one that has speech of its own."""
    for task in tasks:
        for dataset in task.datasets.values():
            if dataset.source == corpus and corpus in TEXTS:
                return dataset
    raise UsageError(f"prepare {corpus}: expected one of {', '.join(TEXTS)}; other corpora have speech of their own")


def texts_of(dataset: DatasetSpec, folder: Path) -> list[Item]:
    """The texts of a corpus; UsageError when two share an id."""
    items = list(TEXTS[dataset.source](dataset, folder))
    seen: dict[str, Item] = {}
    for item in items:
        first = seen.setdefault(item.sample.id, item)
        if first is not item:
            raise UsageError(
                f"{item.file}:{item.line}: id {item.sample.id!r} stands already in {first.file}:{first.line}"
            )
    return items


def make(
    dataset: DatasetSpec, folder: Path, engine: Engine, out: Path, *, workers: int, progress: Progress
) -> Prepared:
    """Speak every text of the corpus in `folder` into `out`/audio (FLAC, 16 kHz), then write manifest and voice.

    What an earlier call made with the same text, engine and voice is kept; the manifest appears when all is there.
    Raises UsageError when the engine fails, naming the text.
    """
    items = texts_of(dataset, folder)
    _one_voice(out, engine.voice)
    names = [_audio_name(item, engine.voice) for item in items]
    todo = [(item, out / name) for item, name in zip(items, names, strict=True) if not (out / name).is_file()]
    with creating(out):
        (out / "audio").mkdir(parents=True, exist_ok=True)
    _speak_all(todo, engine, workers, progress)
    rows, seconds = [], 0.0
    for item, name in zip(items, names, strict=True):
        info = soundfile.info(out / name)
        seconds += info.duration
        rows.append(named(item, name, sha256(out / name), round(info.duration, 3)))
    manifest = _write(dataset, out, rows, engine.voice)
    return Prepared(manifest, len(todo), len(items) - len(todo), seconds)


def template(dataset: DatasetSpec, folder: Path, voice: Voice, out: Path) -> Prepared:
    """A manifest of the texts in `folder` for recordings that the user puts into `out`/audio, named as it says."""
    items = texts_of(dataset, folder)
    _one_voice(out, voice)
    with creating(out):
        (out / "audio").mkdir(parents=True, exist_ok=True)
    names = [f"audio/{_UNSAFE.sub('-', item.sample.id)}.wav" for item in items]
    rows = [named(item, name, None, None) for item, name in zip(items, names, strict=True)]
    there = sum((out / name).is_file() for name in names)
    return Prepared(_write(dataset, out, rows, voice), 0, there, 0.0)


def _one_voice(out: Path, voice: Voice) -> None:
    """Refuse a folder that holds another voice: its signature would be wrong for half of its clips."""
    if not (out / VOICE_FILE).is_file():
        return
    other = read_whole(out / VOICE_FILE, Voice, what="voice of a spoken test set")
    if other != voice:
        raise UsageError(f"{out}: speaks with {other} already, not {voice}; expected another --out for another voice")


def _write(dataset: DatasetSpec, out: Path, rows: Sequence[object], voice: Voice) -> Path:
    manifest = out / manifest_name(dataset.source, dataset.split or "test")
    write_json(out / VOICE_FILE, voice)
    write_atomic(manifest, encode_rows(rows))
    return manifest


def _audio_name(item: Item, voice: Voice) -> str:
    """The clip's file: of another text or voice it would be another."""
    said = hashlib.sha256(f"{voice}\n{item.sample.fields['transcript']}".encode()).hexdigest()[:10]
    return f"audio/{_UNSAFE.sub('-', item.sample.id)}-{said}.flac"


def _speak_all(todo: Sequence[tuple[Item, Path]], engine: Engine, workers: int, progress: Progress) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(workers, thread_name_prefix="speak") as pool:
        waiting = [pool.submit(_speak, item, path, engine, stop) for item, path in todo]
        try:
            for count, one in enumerate(as_completed(waiting), start=1):
                one.result()
                progress(count, len(waiting))
        except BaseException:
            stop.set()
            raise


def _speak(item: Item, path: Path, engine: Engine, stop: threading.Event) -> None:
    """One text to one FLAC file, which appears whole."""
    if stop.is_set():
        return
    spoken, flac = (path.with_suffix(f".{os.getpid()}.part{suffix}") for suffix in (".wav", ".flac"))
    try:
        engine.speak(item.sample.fields["transcript"], spoken)
        try:
            sound, rate = soundfile.read(spoken, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as fault:
            raise UsageError(f"{engine.words[0]}: {item.sample.id}: what it wrote is not audio ({fault})") from fault
        mono = sound.mean(axis=1)
        heard = mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")
        if not len(heard):
            raise UsageError(f"{engine.words[0]}: {item.sample.id}: what it wrote holds no sound; expected speech")
        soundfile.write(flac, heard, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        flac.replace(path)
    finally:
        spoken.unlink(missing_ok=True)
        flac.unlink(missing_ok=True)
