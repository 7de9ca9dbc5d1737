"""Hearing: from waveforms to embeddings that the language model reads in place of words.

    log-mel ─ Whisper ─ LayerNorm ─┐
      fbank ─ BEATs ── LayerNorm ──┴ joined by index ─ windows ─ Q-Former ─ projection

Whisper always hears its whole length (30 s, padded with zeros), so every clip becomes equally many embeddings. BEATs
hears the clip alone; its patch sequence, eight patches per 160 ms, is joined to Whisper's positions index by index, and
zeros stand where the shorter of the two has ended, after its LayerNorm.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.models.salmonn import frontend
from salmonn_eval.models.salmonn.beats import Beats
from salmonn_eval.models.salmonn.config import SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.qformer import WindowQformer

EncoderOutputs = tuple[Tensor, Tensor | None]
"""Of one clip: Whisper's [positions, d_model], BEATs' [patches, size] (None: a network without it)."""


class Hearing(nn.Module):
    """All that stands before the language model. What a clip becomes does not depend on the clips beside it."""

    def __init__(self, config: SalmonnConfig) -> None:
        super().__init__()
        self.config = config
        self.whisper = speech_encoder(config.whisper)
        self.ln_speech = nn.LayerNorm(config.whisper.d_model)
        if config.beats:
            self.beats = Beats(config.beats)
            self.ln_audio = nn.LayerNorm(config.beats.encoder_embed_dim)
        self.qformer = WindowQformer(config.qformer, config.joined_size)
        self.projection = nn.Linear(config.qformer.hidden_size, int(config.llama["hidden_size"]))

    def forward(self, waves: Sequence[Tensor]) -> list[Tensor]:
        """Embeddings [speech tokens, d_llm] of waveforms [n_i] at 16 kHz, 1 s or more; Whisper's length is heard."""
        return [self.projection(heard) for heard in self.encode(waves)]

    def encode(self, waves: Sequence[Tensor]) -> list[Tensor]:
        """The Q-Former's outputs [speech tokens, hidden_size], before the projection: what is worth keeping."""
        return self.read(self.outputs(waves))

    def outputs(self, waves: Sequence[Tensor]) -> list[EncoderOutputs]:
        """What the two encoders make of waveforms; in SALMONN they are frozen."""
        samples = self.config.whisper.samples
        cut = [wave[:samples] for wave in waves]
        mels = frontend.log_mel(cut, self.config.whisper.num_mel_bins, samples)
        speech = self.listen(mels)
        audio = self.beats(frontend.fbank(cut)) if self.config.beats else [None] * len(cut)
        return list(zip(speech, audio, strict=True))

    def read(self, outputs: Sequence[EncoderOutputs]) -> list[Tensor]:
        """The Q-Former's outputs [speech tokens, hidden_size] of encoder outputs."""
        heard: list[Tensor] = self.qformer([self.join(*pair) for pair in outputs])
        return heard

    def listen(self, mels: Tensor) -> Tensor:
        """Whisper's encoder: [B, positions, d_model] of log-mel spectrograms [B, bins, 2 * positions]."""
        heard: Tensor = self.whisper(mels.to(self.whisper.conv1.weight.dtype)).last_hidden_state
        return heard

    def join(self, speech: Tensor, audio: Tensor | None) -> Tensor:
        """[longer of the two, joined_size] of speech [T, d_model] and audio [P, size], both normalised here."""
        speech = self.ln_speech(speech)
        if audio is None:
            return speech
        audio = self.ln_audio(audio)
        longer = max(len(speech), len(audio))
        return torch.cat([F.pad(part, (0, 0, 0, longer - len(part))) for part in (speech, audio)], dim=1)


def speech_encoder(config: WhisperConfig) -> Any:
    """Transformers' encoder with the given shape; the decoder is not built."""
    from transformers import WhisperConfig as LibraryConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    return WhisperEncoder(
        LibraryConfig(
            d_model=config.d_model,
            encoder_layers=config.encoder_layers,
            encoder_attention_heads=config.encoder_attention_heads,
            encoder_ffn_dim=config.encoder_ffn_dim,
            num_mel_bins=config.num_mel_bins,
            max_source_positions=config.max_source_positions,
            activation_function=config.activation_function,
            scale_embedding=config.scale_embedding,
        )
    )
