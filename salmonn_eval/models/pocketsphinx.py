"""PocketSphinx: a classical recogniser (HMMs and n-grams) whose US English models lie in its own package.

Words with its word language model for `asr`; for `pr` ARPAbet phones with its phone language model, upper case, without
stress digits, silence as `sil`, noises left out. No clip has an influence on another: cepstral means are taken over the
whole clip. A clip in which it recognises nothing gets an empty answer, which is what was heard and no error.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from salmonn_eval.models.backend import WithoutLogprobs, file_sha256
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.protocol import AudioSource, ModelCard
from salmonn_eval.records import Prediction, Request
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

_FILES: Mapping[str, Mapping[str, str]] = {
    "asr": {"hmm": "en-us", "dict": "cmudict-en-us.dict", "lm": "en-us.lm.bin"},
    "pr": {"hmm": "en-us", "allphone": "en-us-phone.lm.bin"},
}
# `cmn: batch`: each clip's own cepstral mean; the package's default carries it on from clip to clip.
_FRONT_END: Mapping[str, Any] = {"samprate": SAMPLE_RATE, "cmn": "batch", "loglevel": "FATAL"}
# Beams (probabilities, smaller is wider) chosen for the best error rate at bearable speed; model/pocketsphinx.yaml has
# the measurements.
_SEARCH: Mapping[str, Mapping[str, Any]] = {
    "asr": {"beam": 1e-40, "pbeam": 1e-40, "wbeam": 1e-20, "lpbeam": 1e-30, "lponlybeam": 1e-20},
    "pr": {"lw": 2.0, "beam": 1e-20, "pbeam": 1e-10},
}
_NOISES = ("+SPN+", "+NSN+")


class PocketSphinx(WithoutLogprobs):
    """The model. A batch is decoded by as many threads as it has clips, each with a decoder of its own."""

    def __init__(self, card: ModelCard, batch_size: int) -> None:
        self.card = card
        self._batch_size = batch_size
        self._idle: dict[str, list[Any]] = {task: [] for task in _SEARCH}

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answer in order, batch by batch."""
        stream = iter(requests)
        with ThreadPoolExecutor(self._batch_size) as threads:
            while batch := list(islice(stream, self._batch_size)):
                yield from threads.map(lambda request: self._answer(request, audio), batch)

    def _answer(self, request: Request, audio: AudioSource) -> Prediction:
        if request.task not in _SEARCH or len(request.clips) != 1:
            why = f"model `{self.card.name}` does asr and pr of one clip, not {request.task} of {len(request.clips)}"
            return Prediction(request.key, None, "error", error=why)
        (waveform,) = audio.waveforms(request)
        started = time.perf_counter()
        text = self._recognise(request.task, waveform)
        return Prediction(request.key, text, "eos", seconds=time.perf_counter() - started, cut_s=waveform.cut_s)

    def _recognise(self, task: str, waveform: Waveform) -> str:
        if not len(waveform.samples):
            return ""
        idle = self._idle[task]
        try:
            decoder = idle.pop()
        except IndexError:
            decoder = _decoder(task)
        decoder.reinit_feat()  # the front end otherwise carries state from clip to clip
        decoder.start_utt()
        # `full_utt`: the whole clip at once, without which the cepstral mean cannot be the clip's own.
        decoder.process_raw(_pcm16(waveform), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        heard = "" if found is None else str(found.hypstr)
        idle.append(decoder)  # not after a fault: its state would be unknown
        return _phones(heard) if task == "pr" else heard


def _decoder(task: str) -> Any:
    import pocketsphinx

    files = {key: str(path) for key, path in _paths(task).items()}
    return pocketsphinx.Decoder(pocketsphinx.Config(**{**_FRONT_END, **files, **_SEARCH[task]}))


def _paths(task: str) -> dict[str, Path]:
    import pocketsphinx

    folder = Path(pocketsphinx.get_model_path()) / "en-us"
    return {key: folder / name for key, name in _FILES[task].items()}


def _pcm16(waveform: Waveform) -> bytes:
    """16-bit samples, as the recogniser takes them."""
    scaled = np.rint(waveform.samples * 32768.0)
    return bytes(np.clip(scaled, -32768, 32767).astype("<i2").tobytes())


def _phones(heard: str) -> str:
    return " ".join("sil" if phone == "SIL" else phone for phone in heard.split() if phone not in _NOISES)


class PocketSphinxBackend:
    """Needs no argument. Runs on the CPU whatever the device."""

    dtypes: tuple[str, ...] = ("float32",)

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """The package's version, the hashes of its models, and the search settings."""
        from importlib.metadata import version

        paths = {path for task in _FILES for path in _paths(task).values()}
        files = sorted(file for path in paths for file in (path.iterdir() if path.is_dir() else (path,)))
        hashes = {file.name: file_sha256(file, what="a model of the package pocketsphinx") for file in files}
        return {
            "version": version("pocketsphinx"),
            "files": hashes,
            "settings": {task: {**_FRONT_END, **_SEARCH[task]} for task in _SEARCH},
        }

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> PocketSphinx:
        """Nothing is read until the first request of a task. `batch_size` None: a clip per core, four at most."""
        return PocketSphinx(card, batch_size or min(4, os.cpu_count() or 1))


BACKEND = PocketSphinxBackend()
