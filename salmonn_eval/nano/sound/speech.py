"""One utterance by espeak-ng or flite: words from the engine, the emotion in prosody alone."""

import io
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import soundfile
import soxr
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.nano.scene import SAMPLE_RATE, Emotion, Utterance, Voice

Samples = NDArray[np.float32]
LEVEL_DBFS = -24.0
_WORDS_A_MINUTE = 185


class Prosody(Struct, frozen=True):
    """How an emotion is spoken: factors on the voice's own pitch, range and rate, level in dB, and roughness 0 to 1."""

    pitch: float
    range: float
    rate: float
    level_db: float
    rough: float = 0.0


PROSODY: Mapping[Emotion, Prosody] = {
    "neutral": Prosody(1.0, 1.0, 1.0, 0.0),
    "happy": Prosody(1.25, 1.9, 1.1, 1.0),
    "sad": Prosody(0.88, 0.3, 0.72, -7.0),
    "angry": Prosody(1.05, 1.2, 1.28, 5.0, 0.8),
}


def speak(utterance: Utterance, voice: Voice) -> Samples:
    """The utterance [T] at 16 kHz without silence around it; PrerequisiteError where its engine is not installed."""
    prosody = PROSODY[utterance.emotion]
    samples, rate = (_espeak if voice.engine == "espeak-ng" else _flite)(utterance.text, voice, prosody)
    # Played `formant` times faster, so formants and pitch move together; the rate was slowed by as much.
    heard = soxr.resample(_trimmed(samples), rate * voice.formant, SAMPLE_RATE).astype(np.float32)
    if prosody.rough:
        peak = float(np.abs(heard).max()) or 1.0
        heard = np.tanh(heard / peak * (1 + 5 * prosody.rough)).astype(np.float32)
    return levelled(heard, LEVEL_DBFS + prosody.level_db)


def levelled(samples: Samples, dbfs: float) -> Samples:
    """The samples at a root mean square of so many dB below full scale, never clipped."""
    power = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) or 1.0
    gain = min(10 ** (dbfs / 20) / power, 0.99 / (float(np.abs(samples).max()) or 1.0))
    return (samples * np.float32(gain)).astype(np.float32)


def _espeak(text: str, voice: Voice, prosody: Prosody) -> tuple[Samples, int]:
    marked = f'<prosody range="{round(100 * prosody.range)}%">{text}</prosody>'
    command = [
        _program("espeak-ng"), "-m", "-v", f"en-us+{voice.variant}",
        "-p", str(min(99, round(voice.pitch * prosody.pitch))),
        "-s", str(max(80, round(_WORDS_A_MINUTE * prosody.rate / voice.formant))),
        "--stdout", marked,
    ]  # fmt: skip
    return _decoded(subprocess.run(command, capture_output=True, check=True).stdout)


def _flite(text: str, voice: Voice, prosody: Prosody) -> tuple[Samples, int]:
    settings = {
        "int_f0_target_mean": voice.pitch * prosody.pitch,
        "int_f0_target_stddev": 15 * prosody.range,
        "duration_stretch": voice.formant / prosody.rate,
    }
    command = [_program("flite"), "-voice", voice.variant]
    for name, value in settings.items():
        command += ["--setf", f"{name}={value:.3f}"]
    return _decoded(subprocess.run([*command, "-t", text, "-o", "/dev/stdout"], capture_output=True, check=True).stdout)


def _decoded(wave: bytes) -> tuple[Samples, int]:
    # Written to a pipe, the sizes in the header are wrong: what follows it is 16-bit mono.
    start = wave.index(b"data") + 8
    rate = int.from_bytes(wave[24:28], "little")
    numbers = np.frombuffer(wave[start : start + (len(wave) - start) // 2 * 2], "<i2")
    return (numbers / np.float32(32768)).astype(np.float32), rate


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.01 * (float(np.abs(samples).max()) or 1.0))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


@lru_cache(maxsize=2)
def _program(name: str) -> str:
    if (found := shutil.which(name)) is None:
        raise PrerequisiteError(f"making the world's speech needs the program {name}; on Debian: apt install {name}")
    return found


def coded(samples: Samples) -> bytes:
    """As it ships: Opus in Ogg, some 2.7 kB a second; its bytes differ at every writing, its decoded samples do not."""
    target = io.BytesIO()
    soundfile.write(target, samples, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=0.95)
    return target.getvalue()


def decoded(data: bytes) -> Samples:
    """The samples that coded audio becomes."""
    samples, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    return np.asarray(samples, dtype=np.float32)
