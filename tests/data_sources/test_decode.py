import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from salmonn_eval.data.audio import decode, fair_shares
from salmonn_eval.data.encoded import probe
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioPolicy, AudioRef, Clip

OPEN = AudioPolicy()
FLOAT = "FLOAT"


def clip(*paths: Path, **settings) -> Clip:
    return Clip(tuple(AudioRef(str(path)) for path in paths), **settings)


def test_a_16_khz_recording_comes_out_sample_for_sample(recordings, speech):
    for path, sound in zip(recordings, speech, strict=True):
        wave = decode(clip(path), OPEN)
        assert wave.samples.dtype == np.float32
        assert np.array_equal(wave.samples, sound)
        assert wave.cut_s == 0 and not wave.silent
        assert probe(AudioRef(str(path))) == wave.seconds


def test_resampling_keeps_a_tone_and_agrees_with_scipy(write):
    time = np.arange(3 * 48_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    heard = decode(clip(write("tone.wav", tone, 48_000, FLOAT)), OPEN).samples
    assert len(heard) == 48_000
    inner = slice(1600, -1600)
    ideal = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000)
    assert np.abs(heard - ideal)[inner].max() < 1e-4
    assert np.abs(heard - resample_poly(tone, 1, 3))[inner].max() < 1e-3


def test_resampling_removes_what_16_khz_cannot_hold(write):
    tone = np.sin(2 * np.pi * 11_000 * np.arange(44_100) / 44_100).astype(np.float32)
    heard = decode(clip(write("high.wav", tone, 44_100, FLOAT)), OPEN).samples
    assert np.abs(heard[800:-800]).max() < 1e-3


@pytest.mark.parametrize("channels", [2, 8])
def test_channels_are_reduced_as_the_policy_says(write, speech, channels):
    sound = np.stack([speech[0][: 16_000 - 100 * k] for k in range(1)] * channels, axis=1)
    sound = sound * np.linspace(1, 0.1, channels, dtype=np.float32)
    path = write("many.wav", sound, subtype=FLOAT)
    assert np.array_equal(decode(clip(path), AudioPolicy(channels="first")).samples, sound[:, 0])
    mean = decode(clip(path), AudioPolicy(channels="mean")).samples
    assert np.allclose(mean, sound.astype(np.float64).mean(axis=1), atol=1e-7)


def test_a_stretch_is_cut_to_the_sample(recordings, speech):
    ref = AudioRef(str(recordings[0]), start_s=0.5, end_s=1.25)
    assert np.array_equal(decode(Clip((ref,)), OPEN).samples, speech[0][8_000:20_000])
    assert probe(ref) == 0.75


def test_an_encoded_file_in_memory_is_heard(recordings, speech):
    ref = AudioRef(data=recordings[1].read_bytes())
    assert np.array_equal(decode(Clip((ref,)), OPEN).samples, speech[1])


def test_the_stated_hash_is_of_the_encoded_bytes(recordings, speech):
    content = recordings[0].read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    for ref in (AudioRef(str(recordings[0]), sha256=sha256), AudioRef(data=content, sha256=sha256)):
        assert np.array_equal(decode(Clip((ref,)), OPEN).samples, speech[0])


@pytest.mark.parametrize("part", ["file", "memory", "second part"])
def test_audio_with_another_hash_than_stated_is_an_error_of_one_sentence(recordings, part):
    content = recordings[0].read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    refs = {
        "file": (AudioRef(str(recordings[0]), sha256="00ff"),),
        "memory": (AudioRef(data=content, sha256="00ff"),),
        "second part": (AudioRef(str(recordings[1])), AudioRef(str(recordings[0]), sha256="00ff")),
    }[part]
    name = "audio held in memory" if part == "memory" else str(recordings[0])
    with pytest.raises(AudioError) as fault:
        decode(Clip(refs, join="concat"), OPEN)
    assert str(fault.value).startswith(f"{name}: SHA-256 is {sha256}; expected 00ff: put the right file there")
    assert "\n" not in str(fault.value)


def test_one_changed_sample_of_a_file_is_noticed(write, speech):
    path = write("take.wav", speech[0])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    write("take.wav", np.append(speech[0][:-1], speech[0][-1] + np.float32(2**-14)))
    ref = AudioRef(str(path), sha256=sha256, end_s=0.5)
    with pytest.raises(AudioError, match=f"expected {sha256}"):
        decode(Clip((ref,)), OPEN)
    assert probe(ref) == 0.5


def test_a_concat_equals_numpy(recordings, speech):
    heard = decode(clip(*recordings[:3], join="concat", gap_s=0.25), OPEN).samples
    gap = np.zeros(4_000, np.float32)
    assert np.array_equal(heard, np.concatenate([speech[0], gap, speech[1], gap, speech[2]]))


@pytest.mark.parametrize(("length", "choose"), [("min", min), ("max", max)])
def test_a_mix_equals_numpy(recordings, speech, length, choose):
    heard = decode(clip(*recordings[:2], join="mix", gains=(0.5, 2.0), mix_length=length), OPEN).samples
    size = choose(len(speech[0]), len(speech[1]))
    a, b = (np.pad(sound, (0, max(0, size - len(sound))))[:size] for sound in speech[:2])
    assert np.array_equal(heard, np.float32(0.5) * a + np.float32(2) * b)


def test_truncation_keeps_the_head_and_says_what_was_cut(recordings, speech):
    wave = decode(clip(recordings[0]), AudioPolicy(max_s=1.5))
    assert np.array_equal(wave.samples, speech[0][:24_000])
    assert wave.cut_s == pytest.approx(len(speech[0]) / 16_000 - 1.5)


def test_a_truncated_clip_equals_the_head_of_the_whole_after_resampling(write):
    noise = (0.1 * np.random.default_rng(1).standard_normal((4 * 44_100, 1))).astype(np.float32)
    path = write("noise.wav", noise, 44_100, FLOAT)
    whole = decode(clip(path), OPEN).samples
    assert np.abs(decode(clip(path), AudioPolicy(max_s=2)).samples - whole[:32_000]).max() < 1e-6


def test_no_part_of_a_long_concat_vanishes(recordings, speech):
    wave = decode(clip(*recordings[:3], join="concat", gap_s=0.1), AudioPolicy(max_s=3.2))
    gap = np.zeros(1_600, np.float32)
    heads = [sound[:16_000] for sound in speech[:3]]
    assert np.array_equal(wave.samples, np.concatenate([heads[0], gap, heads[1], gap, heads[2]]))
    assert wave.cut_s == pytest.approx(sum(map(len, speech[:3])) / 16_000 + 0.2 - 3.2)


def test_short_parts_stay_whole_and_long_ones_share_the_rest():
    assert fair_shares([1, 20, 40], 30) == [1, 14.5, 14.5]
    assert fair_shares([40, 2, 10], 30) == [18, 2, 10]
    assert fair_shares([5, 5], 30) == [5, 5]


def test_long_audio_is_an_error_or_kept_where_the_policy_says_so(recordings, speech):
    with pytest.raises(AudioError, match="the model takes at most 1 s"):
        decode(clip(recordings[0]), AudioPolicy(max_s=1, long_audio="error"))
    kept = decode(clip(recordings[0]), AudioPolicy(max_s=1, long_audio="keep"))
    assert np.array_equal(kept.samples, speech[0]) and kept.cut_s == 0


def test_a_short_clip_is_padded_with_zeros(write, speech):
    sound = speech[0][16_000:16_160]
    heard = decode(clip(write("short.wav", sound, subtype=FLOAT)), AudioPolicy(min_s=1)).samples
    assert np.array_equal(heard, np.pad(sound, (0, 16_000 - 160)))


def test_a_hundredth_of_a_second_at_another_rate_is_heard(write, speech):
    assert len(decode(clip(write("tiny.wav", speech[0][:480], 48_000)), OPEN).samples) == 160


def test_40_minutes_are_read_only_as_far_as_the_model_hears(write, monkeypatch):
    rate = 8_000
    path = write("long.flac", np.tile(np.linspace(-0.5, 0.5, rate, dtype=np.float32), 40 * 60), rate)
    read = []
    whole_read = soundfile.SoundFile.read

    def counted(self, frames=-1, *rest, **settings):
        read.append(frames)
        return whole_read(self, frames, *rest, **settings)

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    wave = decode(clip(path), AudioPolicy(max_s=30))
    assert len(wave.samples) == 30 * 16_000
    assert wave.cut_s == 40 * 60 - 30
    assert sum(read) < 31 * rate


def test_digital_silence_is_noticed_before_the_condition(write, recordings):
    path = write("silence.flac", np.zeros(8_000, np.float32))
    assert decode(clip(path), OPEN).silent
    assert not decode(clip(recordings[0], condition="silence"), OPEN).silent


def truncated_flac(folder: Path, recording: Path) -> Path:
    path = folder / "cut.flac"
    path.write_bytes(recording.read_bytes()[:20_000])
    return path


def truncated_wav(folder: Path, recording: Path) -> Path:
    path = folder / "cut.wav"
    soundfile.write(path, soundfile.read(recording)[0], 16_000)
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def open_length_flac(folder: Path, recording: Path) -> Path:
    path = folder / "piped.flac"
    content = bytearray(recording.read_bytes())
    content[21] &= 0xF0  # STREAMINFO's 36 bits of total samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return path


def with_value(value: float):
    def make(folder: Path, recording: Path) -> Path:
        path = folder / "value.wav"
        sound = soundfile.read(recording, dtype="float32")[0]
        sound[1234] = value
        soundfile.write(path, sound, 16_000, subtype=FLOAT)
        return path

    return make


def with_bytes(name: str, content: bytes):
    def make(folder: Path, recording: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def no_frames(folder: Path, recording: Path) -> Path:
    path = folder / "none.wav"
    soundfile.write(path, np.zeros(0, np.float32), 16_000)
    return path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder, recording: folder / "gone.flac", "no such file; expected an audio file"),
        (lambda folder, recording: folder / ("x" * 300), "cannot be looked at (File name too long)"),
        (lambda folder, recording: folder, "a folder; expected an audio file"),
        (with_bytes("empty.flac", b""), "empty file (0 bytes)"),
        (with_bytes("text.wav", b"This is a text, not a sound.\n" * 40), "not audio that can be read"),
        (truncated_flac, "truncated audio"),
        (truncated_wav, "truncated audio, 19956 bytes of samples found where the header promises"),
        (open_length_flac, "does not say how long it is"),
        (with_value(math.nan), "frame 1234 is NaN or infinite"),
        (with_value(-math.inf), "frame 1234 is NaN or infinite"),
        (no_frames, "no audio frames"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_path(tmp_path, recordings, make, sentence):
    path = make(tmp_path, recordings[0])
    with pytest.raises(AudioError) as fault:
        decode(clip(path), OPEN)
    assert str(fault.value).startswith(f"{path}: ")
    assert sentence in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_header_that_cannot_be_read_has_no_length(tmp_path):
    assert probe(AudioRef(str(tmp_path / "gone.flac"))) is None


def test_a_start_beyond_the_end_is_an_error(recordings):
    with pytest.raises(AudioError, match=r"nothing lies from 60 s to the end; expected a stretch of its \d+\.\d{3} s"):
        decode(Clip((AudioRef(str(recordings[0]), start_s=60),)), OPEN)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"join": "single"}, "expected one, or join concat or mix"),
        ({"join": "mix", "gains": (1.0,)}, "1 gains for 2 parts"),
        ({"join": "concat", "gap_s": 40}, "gaps of this clip alone"),
    ],
)
def test_a_clip_that_contradicts_itself_is_an_error(recordings, settings, sentence):
    with pytest.raises(AudioError, match=sentence):
        decode(clip(*recordings[:2], **settings), AudioPolicy(max_s=30))
    with pytest.raises(AudioError, match="clip without parts"):
        decode(Clip(()), OPEN)
