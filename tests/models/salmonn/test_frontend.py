import pytest
import torch
from parity import SHIPPED, case, difference

from salmonn_eval.models.salmonn.frontend import fbank, frame_count, log_mel


def sound(tensors, clip):
    raw = tensors.get(f"{clip}.waveform")
    return tensors[f"{clip}.waveform_i16"].double() / 32768 if raw is None else raw


@pytest.mark.parametrize("clip", ["tone", "silence", "noise_then_zeros"])
def test_filter_bank_equals_kaldi_s(clip):
    tensors = case("fbank/fbank").tensors
    (bank,) = fbank([sound(tensors, clip)])
    assert difference(bank, tensors[f"{clip}.fbank_from_f64"]) < 1e-4


@pytest.mark.parametrize("clip", ["duck", "gunshots", "excitement"])
def test_filter_bank_of_recordings(clip, shared):
    tensors = case("fbank/fbank", shared / "parity").tensors
    (bank,) = fbank([sound(tensors, clip)])
    assert difference(bank, tensors[f"{clip}.fbank_from_f64"]) < 1e-4


def test_a_tone_needs_double_precision():
    """Near-empty bins: the reference in float32 is 0.02 off its own float64, ours is not, whatever comes in."""
    tensors = case("fbank/fbank").tensors
    (bank,) = fbank([tensors["tone.waveform"].float()])
    assert difference(bank, tensors["tone.fbank_from_f64"]) < 1e-4


def test_filter_banks_of_a_batch_are_those_of_its_clips_alone():
    tensors = case("fbank/fbank").tensors
    lengths = tensors["batch.lengths"].tolist()
    waves = [w[:n] for w, n in zip(tensors["batch.waveform_i16"].double() / 32768, lengths, strict=True)]
    for wave, bank, theirs in zip(waves, fbank(waves), tensors["batch.fbank_from_f64"], strict=True):
        assert len(bank) == frame_count(len(wave))
        assert difference(bank, theirs[: len(bank)]) < 1e-4
        assert difference(bank, fbank([wave])[0]) < 1e-6


def test_log_mel_equals_whisper_s():
    from_p2 = case("model/P2_eos")
    spectrogram = from_p2.tensors["spectrogram"]
    mels = log_mel(from_p2.waves(), 80, spectrogram.shape[2] * 160)
    assert difference(mels, spectrogram) < 1e-6


@pytest.mark.parametrize("clip", ["duck", "excitement"])
def test_log_mel_of_recordings(clip, shared):
    tensors = case("fbank/whisper_logmel", shared / "parity").tensors
    mels = log_mel([sound(tensors, clip)], 80, 480_000)
    assert mels.shape == (1, 80, 3000)
    assert difference(mels[0, :, :800], tensors[f"{clip}.input_features_first800"]) < 1e-6


@pytest.mark.parametrize("bins", [80, 128])
def test_log_mel_equals_the_library_s_extractor(bins):
    from transformers import WhisperFeatureExtractor

    wave = torch.randn(20_000, generator=torch.Generator().manual_seed(3))
    theirs = WhisperFeatureExtractor(feature_size=bins)(wave.numpy(), sampling_rate=16_000, return_tensors="pt")
    assert difference(log_mel([wave], bins, 480_000), theirs["input_features"]) < 2e-5


def test_a_clip_longer_than_whisper_hears_is_cut():
    wave = torch.ones(1000)
    assert difference(log_mel([wave], 80, 640), log_mel([wave[:640]], 80, 640)) == 0.0


@pytest.mark.parametrize("length", [1, 200, 399, 1600, 20_000, 79_999])
def test_the_silence_behind_a_clip_changes_no_bit_whether_it_is_computed_or_known(length):
    wave = torch.randn(length, generator=torch.Generator().manual_seed(length))
    with_zeros = torch.nn.functional.pad(wave, (0, 80_000 - length))
    assert torch.equal(log_mel([wave], 80, 80_000), log_mel([with_zeros], 80, 80_000))


def test_data_are_there():
    assert {path.parent.name for path in SHIPPED.rglob("*.safetensors")} >= {"beats", "fbank", "qformer", "contract"}
