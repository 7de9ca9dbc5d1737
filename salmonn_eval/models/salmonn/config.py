"""The shapes and settings of a SALMONN network: plain frozen data, without torch."""

from typing import Any, Literal

from msgspec import Struct

FRAME_RATE = 50
"""Encoder positions a second, of Whisper as of BEATs' patch sequence."""


class WhisperConfig(Struct, frozen=True):
    """The speech encoder; the names are those of transformers' `WhisperConfig`. Whisper large-v2 by default."""

    d_model: int = 1280
    encoder_layers: int = 32
    encoder_attention_heads: int = 20
    encoder_ffn_dim: int = 5120
    num_mel_bins: int = 80
    max_source_positions: int = 1500
    activation_function: str = "gelu"
    scale_embedding: bool = False

    @property
    def samples(self) -> int:
        """How many samples at 16 kHz it hears; shorter audio is padded with zeros to this."""
        return self.max_source_positions * 320


class BeatsConfig(Struct, frozen=True):
    """The audio encoder; the names are those of a BEATs checkpoint's `cfg`. By default BEATs iter3+ (AS2M), fine-tuned.

    Dropout and layer drop are left out: here BEATs is frozen.
    """

    encoder_layers: int = 12
    encoder_embed_dim: int = 768
    encoder_ffn_embed_dim: int = 3072
    encoder_attention_heads: int = 12
    embed_dim: int = 512
    input_patch_size: int = 16
    activation_fn: Literal["gelu"] = "gelu"
    layer_norm_first: bool = False
    deep_norm: bool = True
    conv_bias: bool = False
    conv_pos: int = 128
    conv_pos_groups: int = 16
    relative_position_embedding: bool = True
    num_buckets: int = 320
    max_distance: int = 800
    gru_rel_pos: bool = True
    finetuned_model: bool = True
    predictor_class: int = 527


class QformerConfig(Struct, frozen=True):
    """The window-level Q-Former: BERT base with two layers, one query a window of a third of a second by default.

    `window_level` false: one window, the whole clip.
    """

    hidden_size: int = 768
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    num_hidden_layers: int = 2
    queries: int = 1
    window_level: bool = True
    window_s: float = 0.333333
    stride_s: float = 0.333333

    @property
    def kernel(self) -> int:
        """Positions of a window; Python's rounding (halves to even), as in the release."""
        return round(FRAME_RATE * self.window_s)

    @property
    def stride(self) -> int:
        """Positions from one window's start to the next one's."""
        return round(FRAME_RATE * self.stride_s)

    def windows(self, positions: int) -> int:
        """How many whole windows fit; what is left over at the end is not heard."""
        return (positions - self.kernel) // self.stride + 1 if self.window_level else 1


class LoraSettings(Struct, frozen=True):
    """The adapter on the language model; it acts with `scale` = alpha / r unless a request says another scale."""

    r: int = 8
    alpha: float = 32
    target_modules: tuple[str, ...] = ("q_proj", "v_proj")

    @property
    def scale(self) -> float:
        """The scale it was trained with."""
        return self.alpha / self.r


class SalmonnConfig(Struct, frozen=True):
    """A whole network. `llama` holds the fields of transformers' `LlamaConfig`; `beats` None: speech encoder alone."""

    llama: dict[str, Any]
    whisper: WhisperConfig = WhisperConfig()
    beats: BeatsConfig | None = BeatsConfig()
    qformer: QformerConfig = QformerConfig()
    lora: LoraSettings | None = LoraSettings()

    @property
    def joined_size(self) -> int:
        """Size of the joined encoder outputs."""
        return self.whisper.d_model + (self.beats.encoder_embed_dim if self.beats else 0)

    @property
    def speech_tokens(self) -> int:
        """Embeddings that a clip becomes, where BEATs' sequence is not the longer one."""
        return self.qformer.windows(self.whisper.max_source_positions) * self.qformer.queries
