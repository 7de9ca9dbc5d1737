"""From waveforms to what the encoders read: Whisper's log-mel spectrogram and Kaldi's filter bank, batched, in torch.

Both are computed in float64: near-empty bins of the filter bank differ by up to 0.02 otherwise.
"""

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

VERSION = "1"
"""Part of every key of the encoder cache: changes when the numbers of this module do."""

SAMPLE_RATE = 16_000
_FRAME, _SHIFT, _FFT = 400, 160, 512
_FBANK_BINS, _LOW_HZ, _HIGH_HZ = 128, 20.0, 8000.0
_PREEMPHASIS = 0.97
_FLOOR = 1.1920928955078125e-07  # float32's epsilon, Kaldi's floor of an energy
_MEAN, _STD = 15.41663, 6.55582  # of AudioSet's filter bank; BEATs divides by twice the deviation


def log_mel(waves: Sequence[Tensor], bins: int, samples: int) -> Tensor:
    """Whisper's log-mel spectrogram [B, bins, samples / 160] of waveforms [n_i], each padded or cut to `samples`.

    Source: Radford et al. 2022 and transformers' `WhisperFeatureExtractor`, from which the Slaney filters come.
    """
    cut = [wave[:samples] for wave in waves]
    heard = min(samples, (max(map(len, cut)) + _FRAME) // _SHIFT * _SHIFT + _SHIFT)  # no frame behind reaches a sound
    audio = torch.stack([torch.nn.functional.pad(wave, (0, heard - len(wave))) for wave in cut]).double()
    window = torch.hann_window(_FRAME, dtype=audio.dtype, device=audio.device)
    power = torch.stft(audio, _FRAME, _SHIFT, window=window, return_complex=True)[..., :-1].abs().square()
    power = torch.nn.functional.pad(power, (0, samples // _SHIFT - power.shape[2]))
    logs = (_mel_filters(bins).to(audio.device) @ power).clamp(min=1e-10).log10()
    logs = torch.maximum(logs, logs.amax(dim=(1, 2), keepdim=True) - 8.0)
    return ((logs + 4.0) / 4.0).float()


def fbank(waves: Sequence[Tensor]) -> list[Tensor]:
    """BEATs' input: Kaldi filter banks [frames_i, 128] of waveforms [n_i], each as if alone.

    Povey window, frames of 25 ms every 10 ms and only whole ones, no dither. Source: Kaldi's `compute-fbank-feats` and
    the normalisation of BEATs (Chen et al. 2022).
    """
    longest = max(len(wave) for wave in waves)
    audio = torch.stack([torch.nn.functional.pad(wave, (0, longest - len(wave))) for wave in waves]).double() * 2.0**15
    frames = audio.unfold(1, _FRAME, _SHIFT)
    frames = frames - frames.mean(dim=2, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
    frames = (frames - _PREEMPHASIS * before) * _povey().to(audio.device)
    power = torch.fft.rfft(frames, _FFT).abs().square()
    energies = power @ _kaldi_filters().to(audio.device).T
    banks = ((energies.clamp(min=_FLOOR).log() - _MEAN) / (2 * _STD)).float()
    return [bank[: frame_count(len(wave))] for bank, wave in zip(banks, waves, strict=True)]


def frame_count(samples: int) -> int:
    """Whole filter-bank frames in so many samples."""
    return 1 + (samples - _FRAME) // _SHIFT


@cache
def _mel_filters(bins: int) -> Tensor:
    """[bins, 201], Slaney's scale and norm."""
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        num_frequency_bins=_FRAME // 2 + 1,
        num_mel_filters=bins,
        min_frequency=0.0,
        max_frequency=SAMPLE_RATE / 2,
        sampling_rate=SAMPLE_RATE,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(filters.T).double()


@cache
def _povey() -> Tensor:
    return torch.hann_window(_FRAME, periodic=False, dtype=torch.float64).pow(0.85)


@cache
def _kaldi_filters() -> Tensor:
    """Triangles [128, 257], equally wide on the scale mel = 1127 ln(1 + Hz / 700)."""
    low, high = (1127.0 * math.log(1.0 + hz / 700.0) for hz in (_LOW_HZ, _HIGH_HZ))
    step = (high - low) / (_FBANK_BINS + 1)
    left = low + step * torch.arange(_FBANK_BINS, dtype=torch.float64)[:, None]
    mel = 1127.0 * (1.0 + torch.arange(_FFT // 2 + 1, dtype=torch.float64) * (SAMPLE_RATE / _FFT) / 700.0).log()
    rising, falling = (mel - left) / step, (left + 2 * step - mel) / step
    return torch.minimum(rising, falling).clamp(min=0.0)
