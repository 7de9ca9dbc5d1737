"""What a network needs of a GPU, in memory and in time, before anything is loaded."""

from collections.abc import Mapping

from msgspec import Struct

from salmonn_eval.models.salmonn.arithmetic import count, encode_flops, token_numbers
from salmonn_eval.models.salmonn.config import SalmonnConfig

BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
PROMPT_TOKENS = 60  # of text around the audio: the longest of the bundled tasks' instructions
OVERHEAD_BYTES = 2 * 10**9  # CUDA's context, the allocator's slack, a prompt pass's activations
# Shares of the data sheet's rates that matrix products and copies of these sizes reach.
COMPUTE_SHARE, COPY_SHARE = 0.5, 0.75


class Gpu(Struct, frozen=True):
    """Memory in bytes, dense 16-bit operations and bytes a second, of the makers' data sheets."""

    memory: float
    flops: float
    bandwidth: float


GPUS: Mapping[str, Gpu] = {
    "H200 141 GB": Gpu(141e9, 989e12, 4.8e12),
    "H100 80 GB": Gpu(80e9, 989e12, 3.35e12),
    "A100 80 GB": Gpu(80e9, 312e12, 2.04e12),
    "A100 40 GB": Gpu(40e9, 312e12, 1.56e12),
    "L40S 48 GB": Gpu(48e9, 362e12, 0.86e12),
    "RTX 4090 24 GB": Gpu(24e9, 165e12, 1.01e12),
}


class Workload(Struct, frozen=True):
    """What is to be done: requests over so many clips, of at most `tokens` each, `rows` at a time."""

    requests: int
    clips: int
    tokens: int
    beams: int = 1
    rows: int = 16


class Needs(Struct, frozen=True):
    """Bytes: `weights`; `clip`, while one is encoded; `row`, keys and values of one request at its longest."""

    weights: float
    clip: float
    row: float

    def rows(self, memory: float) -> int:
        """How many requests fit at a time; 0 or less: the network does not fit."""
        return int((memory - OVERHEAD_BYTES - self.weights - self.clip) // self.row)


def needs(config: SalmonnConfig, dtype: str, work: Workload) -> Needs:
    """Memory of a network in `dtype` under a workload."""
    counts = count(config)
    short = BYTES["float16"] if dtype == "int8" else BYTES[dtype]
    prompt = PROMPT_TOKENS + config.speech_tokens
    weights = (counts.hearing + counts.lora) * short + counts.llama * BYTES[dtype]
    row = token_numbers(config) * (prompt + work.tokens * work.beams) * short
    return Needs(weights=weights, clip=_clip_bytes(config, short), row=row)


def seconds(config: SalmonnConfig, dtype: str, work: Workload, gpu: Gpu) -> float:
    """Time if every answer uses up its tokens: encoding and prompts by operations, steps by bytes or operations."""
    need = needs(config, dtype, work)
    prompt = PROMPT_TOKENS + config.speech_tokens
    llama = count(config).llama
    rows = max(1, min(work.rows, need.rows(gpu.memory)))
    flops = work.clips * encode_flops(config) + work.requests * 2.0 * llama * prompt
    step = max(
        (llama * BYTES[dtype] + rows * need.row) / (gpu.bandwidth * COPY_SHARE),
        2.0 * llama * rows * work.beams / (gpu.flops * COMPUTE_SHARE),
    )
    return flops / (gpu.flops * COMPUTE_SHARE) + work.requests / rows * work.tokens * step


def report(config: SalmonnConfig, dtype: str, work: Workload) -> list[str]:
    """Sentences for people: the network's needs, and what they mean on each known GPU."""
    need, counts = needs(config, dtype, work), count(config)
    lines = [
        f"memory: {need.weights / 1e9:.1f} GB of weights ({counts.total / 1e9:.2f} billion, {dtype}), "
        f"{need.clip / 1e9:.2f} GB while a clip is encoded, {need.row / 1e9:.3f} GB a request of {work.tokens} tokens "
        f"and {work.beams} beams"
    ]
    for name, gpu in GPUS.items():
        fitting = need.rows(gpu.memory)
        if fitting < 1:
            lines.append(f"{name}: does not fit; try --dtype int8" if dtype != "int8" else f"{name}: does not fit")
            continue
        hours = seconds(config, dtype, work, gpu) / 3600
        lines.append(f"{name}: {min(fitting, work.rows)} requests at a time, at most about {hours:.2f} hours")
    return lines


def _clip_bytes(config: SalmonnConfig, size: int) -> float:
    """The widest of what is alive while a clip is heard: Whisper's feed-forward, or BEATs' gated position bias."""
    whisper = 2 * config.whisper.max_source_positions * config.whisper.encoder_ffn_dim
    positions = config.whisper.max_source_positions
    beats = 3 * config.beats.encoder_attention_heads * positions**2 if config.beats else 0
    return float(max(whisper, beats) * size)
