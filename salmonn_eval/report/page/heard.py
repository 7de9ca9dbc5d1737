"""What a model heard, as Opus: put into the page while there is room, beside it after that."""

import base64
import hashlib
import io
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from salmonn_eval.data.audio import decode
from salmonn_eval.errors import AudioError, UsageError
from salmonn_eval.records import AudioPolicy, Clip
from salmonn_eval.report.page.content import Sound
from salmonn_eval.waveform import SAMPLE_RATE, Waveform


class Heard:
    """Renders clips as a model heard them: parts joined or mixed, cut to its limit, at 16 kHz.

    Up to `cap` bytes of sound (as they stand in the page) are embedded, the rest is written to `folder`, which lies
    beside the page. What cannot be decoded (any more) is a sound without a source, with the reason.
    """

    def __init__(self, folder: Path, cap: int) -> None:
        self._folder = folder
        self._left = cap
        self.embedded = self.linked = self.missing = 0

    def __call__(self, clips: Sequence[tuple[Clip, AudioPolicy]]) -> tuple[Sound, ...]:
        """The sounds of clips, in their order."""
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding and Opus run outside Python's lock
            return tuple(map(self._placed, threads.map(lambda asked: _rendered(*asked), clips)))

    def _placed(self, rendered: "Rendered") -> Sound:
        if rendered.opus is None:
            self.missing += 1
            return Sound(why=rendered.why)
        text = base64.b64encode(rendered.opus).decode()
        if len(text) <= self._left:
            self._left -= len(text)
            self.embedded += 1
            return Sound(rendered.seconds, f"data:audio/ogg;base64,{text}")
        self.linked += 1
        return Sound(rendered.seconds, self._beside(rendered.opus))

    def _beside(self, opus: bytes) -> str:
        name = f"{hashlib.sha256(opus).hexdigest()[:16]}.ogg"
        try:
            self._folder.mkdir(exist_ok=True)
            (self._folder / name).write_bytes(opus)
        except OSError as fault:
            raise UsageError(
                f"{self._folder}: sounds that are not embedded cannot be written there ({fault.strerror}); "
                "write the page to another folder with -o, or use --no-audio"
            ) from fault
        return f"{quote(self._folder.name)}/{name}"


class Rendered(NamedTuple):
    """A sound as Ogg Opus, or why there is none."""

    opus: bytes | None
    seconds: float = 0.0
    why: str = ""


def silent(clips: Sequence[tuple[Clip, AudioPolicy]]) -> tuple[Sound, ...]:
    """In place of every sound, where none is asked for."""
    return tuple(Sound(why="left out (--no-audio)") for _ in clips)


def _rendered(clip: Clip, policy: AudioPolicy) -> Rendered:
    """The clip under the policy without its padding; one that was too long for the model is heard whole."""
    keep = "keep" if policy.long_audio == "error" else policy.long_audio
    try:
        wave = decode(clip, msgspec.structs.replace(policy, min_s=0.0, long_audio=keep))
    except AudioError as fault:
        return Rendered(None, why=str(fault))
    return Rendered(_opus(wave), round(wave.seconds, 2))


def _opus(wave: Waveform) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave.samples.clip(-1.0, 1.0), SAMPLE_RATE, format="OGG", subtype="OPUS")
    return file.getvalue()


def folder_of(page: Path) -> Path:
    """Where sounds that are not embedded lie: `NAME-audio` beside `NAME.html`."""
    return page.with_name(f"{re.sub(r'[^A-Za-z0-9._-]', '_', page.stem)}-audio")
