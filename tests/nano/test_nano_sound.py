"""How the world sounds. Speech needs espeak-ng and flite; noises, music and voices need nothing."""

import shutil
from random import Random

import numpy as np
import pytest

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.nano.scene import EVENTS, INSTRUMENTS, SAMPLE_RATE, Music, Scene, Utterance
from salmonn_eval.nano.sound import speech
from salmonn_eval.nano.sound.events import sound
from salmonn_eval.nano.sound.pool import build_pool, pooled, shards, told
from salmonn_eval.nano.sound.render import render
from salmonn_eval.nano.sound.speech import coded, decoded, speak
from salmonn_eval.nano.sound.voices import all_voices, voices
from salmonn_eval.nano.world.scenes import KINDS, told_of

ENGINES = all(shutil.which(name) for name in ("espeak-ng", "flite"))
needs_engines = pytest.mark.skipif(not ENGINES, reason="espeak-ng and flite are not installed")
TEXT = "the old man can eat a red pizza"


def fundamental(samples: np.ndarray) -> list[float]:
    """Fundamental frequency in Hz of voiced frames of 40 ms, by autocorrelation."""
    found = []
    loudness = np.sqrt(np.mean(samples**2))
    for start in range(0, len(samples) - 640, 320):
        frame = samples[start : start + 640].astype(np.float64) * np.hanning(640)
        if np.sqrt(np.mean(frame**2)) < 0.3 * loudness:
            continue
        full = np.correlate(frame, frame, "full")[639:]
        lag = 40 + int(np.argmax(full[40:230]))
        if full[lag] > 0.3 * full[0]:
            found.append(SAMPLE_RATE / lag)
    return found


def test_no_tested_voice_is_trained():
    train, test, dev = voices("train"), voices("test"), voices("dev")
    assert len(train) >= 200
    assert len(test) >= 38
    key = [(voice.engine, voice.variant, voice.pitch, voice.formant) for voice in (*train, *test, *dev)]
    assert len(set(key)) == len(key) == len(all_voices())
    variants = {(voice.engine, voice.variant) for voice in train}
    assert sum((voice.engine, voice.variant) not in variants for voice in test) >= 15
    assert {voice.sex for voice in test} == {"male", "female"}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_never_twice_the_same_and_always_of_some_length(event):
    first, second = (sound(event, np.random.default_rng(seed)) for seed in (1, 2))
    again = sound(event, np.random.default_rng(1))
    assert np.array_equal(first, again)
    assert len(first) != len(second) or not np.array_equal(first, second)
    assert 0.4 < len(first) / SAMPLE_RATE < 3.2
    assert np.isfinite(first).all()
    assert np.abs(first).max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("instrument", [name for name in INSTRUMENTS if name != "flute"])  # its attacks are too soft
def test_fast_music_has_more_notes_than_slow(instrument):
    def onsets(tempo: str) -> int:
        """Peaks of the spectral flux, at least a quarter of a second apart."""
        heard = render(Scene(5, music=Music(tempo, "major", instrument)))
        frames = np.lib.stride_tricks.sliding_window_view(heard, 1024)[::320] * np.hanning(1024)
        flux = np.maximum(0, np.diff(np.sqrt(np.abs(np.fft.rfft(frames))), axis=0)).sum(axis=1)
        peaks: list[int] = []
        for place in np.argsort(-flux):
            if flux[place] > 0.35 * flux.max() and all(abs(place - other) > 12 for other in peaks):
                peaks.append(int(place))
        return len(peaks)

    assert onsets("fast") > onsets("slow")


@needs_engines
def test_a_scene_is_a_function_of_its_fields():
    rng = Random(4)
    for kind in KINDS:
        scene = told_of(kind, rng, "train", voices("train")).scene
        first = render(scene)
        assert np.array_equal(first, render(scene)), kind
        assert first.dtype == np.float32
        assert 0.3 < len(first) / SAMPLE_RATE <= 10
        assert np.abs(first).max() <= 1


@needs_engines
@pytest.mark.parametrize("engine", ["espeak-ng", "flite"])
def test_emotions_are_in_the_prosody(engine):
    # Women: of the lowest men four periods do not fit into a frame, which is what the estimate needs.
    some = [voice for voice in voices("train") if (voice.engine, voice.sex) == (engine, "female")][:40:5]
    seconds, level, pitch = {}, {}, {}
    for name in speech.PROSODY:
        spoken = [speak(Utterance(TEXT, voice.id, name), voice) for voice in some]
        seconds[name] = np.mean([len(samples) for samples in spoken])
        level[name] = np.mean([np.sqrt(np.mean(samples**2)) for samples in spoken])
        pitch[name] = np.mean([np.median(fundamental(samples)) for samples in spoken])
    assert seconds["angry"] < seconds["neutral"] < seconds["sad"]
    assert level["sad"] < level["neutral"] < level["angry"]
    assert pitch["sad"] < pitch["happy"]


@needs_engines
def test_women_speak_higher_than_men():
    def mean(sex: str) -> float:
        some = [voice for voice in voices("test") if voice.sex == sex][:6]
        return float(np.mean([np.median(fundamental(speak(Utterance(TEXT, voice.id), voice))) for voice in some]))

    assert mean("female") > 1.3 * mean("male")


def test_coding_gives_the_same_samples_every_time():
    heard = render(Scene(3, events=("dog", "bell")))
    first, second = decoded(coded(heard)), decoded(coded(heard))
    assert np.array_equal(first, second)
    assert abs(len(first) - len(heard)) < SAMPLE_RATE * 0.03
    assert len(coded(heard)) < 4_500 * len(heard) / SAMPLE_RATE
    assert np.corrcoef(first[: len(heard)], heard[: len(first)])[0, 1] > 0.8


def test_without_an_engine_the_message_names_it(monkeypatch):
    speech._program.cache_clear()
    monkeypatch.setenv("PATH", "")
    try:
        with pytest.raises(PrerequisiteError, match="needs the program espeak-ng"):
            speak(Utterance(TEXT, "e-m3-35-93"), all_voices()["e-m3-35-93"])
    finally:
        speech._program.cache_clear()


@needs_engines
@pytest.mark.slow
def test_a_pool_is_resumed_and_told_again(tmp_path):
    build_pool(tmp_path, "dev", 500, seed=9, workers=1)
    (rows,) = shards(tmp_path)
    before = rows.with_suffix(".i16").stat().st_mtime_ns
    build_pool(tmp_path, "dev", 500, seed=9, workers=1)
    assert rows.with_suffix(".i16").stat().st_mtime_ns == before
    clips = list(pooled(rows))
    assert [clip.scene for clip in clips] == [one.scene for one in told(0, "dev", seed=9)]
    uncoded = clips[1]  # every other clip is as it was rendered
    assert np.array_equal(uncoded.samples, np.round(render(uncoded.scene) * 32767).astype(np.int16))
