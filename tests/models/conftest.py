from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import soundfile
from clip_source import Clips
from tiny_whisper import tiny_whisper

from salmonn_eval.records import AudioRef, Clip, Generation, Request, Variant
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

AUDIO = Path(__file__).resolve().parents[1] / "data" / "audio"


MakeRequests = Callable[..., list[Request]]


@pytest.fixture
def make_requests() -> MakeRequests:
    """One request a name, whose key and sample id it is."""

    def make(names: Iterable[str], *, task: str = "asr", generation: Generation | None = None, clips: int = 1):
        return [
            Request(
                key=name,
                task=task,
                dataset="some-set",
                sample_id=name,
                instruction="Recognize the speech and give me the transcription.",
                clips=(Clip(parts=(AudioRef(path=f"{name}.flac"),)),) * clips,
                generation=generation or Generation(max_new_tokens=30),
                variant=Variant(),
            )
            for name in names
        ]

    return make


@pytest.fixture(scope="session")
def real_clips() -> Clips:
    """Four utterances of LibriSpeech test-other, and the first half of each."""
    whole = {path.stem: soundfile.read(path, dtype="float32") for path in sorted(AUDIO.glob("*.flac"))}
    assert {rate for _, rate in whole.values()} == {SAMPLE_RATE}
    waveforms = {name: Waveform(samples) for name, (samples, _) in whole.items()}
    for name, (samples, _) in whole.items():
        waveforms[f"{name}-half"] = Waveform(samples[: len(samples) // 2])
    return Clips(waveforms)


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A multilingual checkpoint."""
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture(scope="session")
def english_whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint without language and task tokens."""
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny.en", multilingual=False)
