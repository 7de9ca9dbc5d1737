"""How many numbers a network holds, what a request adds, and what it computes: by arithmetic, nothing is built."""

from typing import Any

from msgspec import Struct

from salmonn_eval.models.salmonn.config import BeatsConfig, QformerConfig, SalmonnConfig, WhisperConfig

PATCHES_A_STEP = 8  # of 16 bins, in BEATs' 128


class Counts(Struct, frozen=True):
    """Parameters by part."""

    whisper: int
    beats: int
    qformer: int
    llama: int
    lora: int

    @property
    def hearing(self) -> int:
        """Before the language model."""
        return self.whisper + self.beats + self.qformer

    @property
    def total(self) -> int:
        """In all."""
        return self.hearing + self.llama + self.lora


def count(config: SalmonnConfig) -> Counts:
    """Parameters of each part; `qformer` takes in both LayerNorms, the query tokens and the projection."""
    audio = config.beats.encoder_embed_dim if config.beats else 0
    norms = 2 * (config.whisper.d_model + audio)
    size, out = config.qformer.hidden_size, int(config.llama["hidden_size"])
    return Counts(
        whisper=_whisper(config.whisper),
        beats=_beats(config.beats) if config.beats else 0,
        qformer=norms + _qformer(config.qformer, config.joined_size) + _linear(size, out),
        llama=_llama(config.llama),
        lora=_lora(config),
    )


def token_numbers(config: SalmonnConfig) -> int:
    """Keys and values that the language model keeps of one token."""
    llama = _Llama(config.llama)
    return 2 * llama.layers * llama.kv_size


def encode_flops(config: SalmonnConfig, seconds: float = 30.0) -> float:
    """Floating-point operations that hearing one clip takes; Whisper always hears its whole length."""
    whisper, positions = config.whisper, config.whisper.max_source_positions
    flops = 2.0 * _whisper(whisper) * positions + 4.0 * whisper.encoder_layers * positions**2 * whisper.d_model
    if config.beats:
        patches = seconds * 100 / config.beats.input_patch_size * PATCHES_A_STEP
        flops += 2.0 * _beats(config.beats) * patches
        flops += 4.0 * config.beats.encoder_layers * patches**2 * config.beats.encoder_embed_dim
    return flops + 2.0 * _qformer(config.qformer, config.joined_size) * positions


def _linear(inputs: int, outputs: int, *, bias: bool = True) -> int:
    return inputs * outputs + outputs * bias


def _layer(size: int, wide: int, *, key_bias: bool = True) -> int:
    """Four projections, two of the feed-forward, two LayerNorms."""
    return 4 * _linear(size, size) - (0 if key_bias else size) + _linear(size, wide) + _linear(wide, size) + 4 * size


def _whisper(config: WhisperConfig) -> int:
    size = config.d_model
    convolutions = 3 * config.num_mel_bins * size + size + 3 * size * size + size
    layers = config.encoder_layers * _layer(size, config.encoder_ffn_dim, key_bias=False)
    return convolutions + config.max_source_positions * size + layers + 2 * size


def _beats(config: BeatsConfig) -> int:
    size, wide, heads = config.encoder_embed_dim, config.embed_dim, config.encoder_attention_heads
    patches = config.input_patch_size**2 * wide + wide * config.conv_bias + 2 * wide
    projection = _linear(wide, size) if wide != size else 0
    positions = size * size // config.conv_pos_groups * config.conv_pos + config.conv_pos + size
    gate = _linear(size // heads, 8) + heads if config.relative_position_embedding and config.gru_rel_pos else 0
    layers = config.encoder_layers * (_layer(size, config.encoder_ffn_embed_dim) + gate)
    table = config.num_buckets * heads if config.relative_position_embedding else 0
    head = _linear(size, config.predictor_class) if config.finetuned_model else 0
    return patches + projection + positions + layers + table + 2 * size + head


def _qformer(config: QformerConfig, joined: int) -> int:
    size = config.hidden_size
    heard = 2 * _linear(size, size) + 2 * _linear(joined, size) + 2 * size
    layer = _layer(size, config.intermediate_size) + heard
    return config.queries * size + 2 * size + config.num_hidden_layers * layer


class _Llama:
    """The sizes in a `LlamaConfig`, with its defaults."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.size, self.wide = int(config["hidden_size"]), int(config["intermediate_size"])
        self.layers, self.heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        head = int(config.get("head_dim") or self.size // self.heads)
        self.q_size = self.heads * head
        self.kv_size = int(config.get("num_key_value_heads") or self.heads) * head
        self.vocabulary = int(config["vocab_size"])
        self.tied = bool(config.get("tie_word_embeddings", False))

    def projections(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each projection of a layer."""
        size, wide = self.size, self.wide
        attention = {"q_proj": (size, self.q_size), "k_proj": (size, self.kv_size), "v_proj": (size, self.kv_size)}
        forward = {"gate_proj": (size, wide), "up_proj": (size, wide), "down_proj": (wide, size)}
        return {**attention, "o_proj": (self.q_size, size), **forward}


def _llama(config: dict[str, Any]) -> int:
    llama = _Llama(config)
    layer = sum(inputs * outputs for inputs, outputs in llama.projections().values()) + 2 * llama.size
    return llama.layers * layer + llama.size + llama.vocabulary * llama.size * (1 if llama.tied else 2)


def _lora(config: SalmonnConfig) -> int:
    if config.lora is None:
        return 0
    llama = _Llama(config.llama)
    sides = [sum(llama.projections()[name]) for name in config.lora.target_modules]
    return llama.layers * config.lora.r * sum(sides)
