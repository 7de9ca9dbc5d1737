"""What a model heard, as Opus: put into the page while there is room, beside it after that."""

import base64
import hashlib
import io
import re
from pathlib import Path
from urllib.parse import quote

from salmonn_eval.data.audio import decode
from salmonn_eval.errors import AudioError, UsageError
from salmonn_eval.records import AudioPolicy, Clip
from salmonn_eval.report.page.content import Sound
from salmonn_eval.report.scored import ScoredRun
from salmonn_eval.waveform import SAMPLE_RATE, Waveform


class Heard:
    """Renders clips as the run's card has them: parts joined or mixed, cut to its limit, at 16 kHz.

    Up to `cap` bytes of sound (as they stand in the page) are embedded, the rest is written to `folder`, which lies
    beside the page. What cannot be decoded (any more) is a sound without a source, with the reason.
    """

    def __init__(self, folder: Path, cap: int) -> None:
        self._folder = folder
        self._left = cap
        self.embedded = self.linked = self.missing = 0

    def __call__(self, clip: Clip, run: ScoredRun) -> Sound:
        """The sound of a clip of a run."""
        try:
            wave = decode(clip, _as_heard(run))
        except AudioError as fault:
            self.missing += 1
            return Sound(why=str(fault))
        opus = _opus(wave)
        text = base64.b64encode(opus).decode()
        if len(text) <= self._left:
            self._left -= len(text)
            self.embedded += 1
            return Sound(round(wave.seconds, 2), f"data:audio/ogg;base64,{text}")
        self.linked += 1
        return Sound(round(wave.seconds, 2), self._beside(opus))

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


def silent(_clip: Clip, _run: ScoredRun) -> Sound:
    """In place of every sound, where none is asked for."""
    return Sound(why="left out (--no-audio)")


def _as_heard(run: ScoredRun) -> AudioPolicy:
    """The card's policy without its padding, and with what is too long kept: an error is heard as well."""
    policy = run.card.audio
    keep = "keep" if policy.long_audio == "error" else policy.long_audio
    return AudioPolicy(max_s=policy.max_s, min_s=0.0, long_audio=keep, channels=policy.channels)


def _opus(wave: Waveform) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave.samples.clip(-1.0, 1.0), SAMPLE_RATE, format="OGG", subtype="OPUS")
    return file.getvalue()


def folder_of(page: Path) -> Path:
    """Where sounds that are not embedded lie: `NAME-audio` beside `NAME.html`."""
    return page.with_name(f"{re.sub(r'[^A-Za-z0-9._-]', '_', page.stem)}-audio")
