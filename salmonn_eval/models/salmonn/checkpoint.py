"""The release's own files: `salmonn_v1.pth` (or the 7B's), BEATs' `.pt`, and folders of Whisper and Vicuna."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from msgspec import Struct
from torch import Tensor

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.models.salmonn.config import BeatsConfig, LoraSettings, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.network import empty
from salmonn_eval.models.salmonn.weights import Dtype, Piece, fill, read_file, read_folder

Config = TypeVar("Config", bound=Struct)

_LLAMA = "llama_model.base_model.model."
# What each file holds, by the release's names.
_TRAINED_PART = r"speech_query_tokens|speech_Qformer\..*|ln_(speech|audio)\..*|speech_llama_proj\..*|.*\.lora_[AB]\..*"
_WHISPER_PART = r"speech_encoder\..*"
_BEATS_PART = r"beats\..*"
_LLAMA_PART = r"llama_model\.(?!.*\.lora_).*"
# Of transformers' configuration files: what says how a model was saved, not what it computes.
_NOT_SHAPE = (
    "architectures",
    "torch_dtype",
    "dtype",
    "transformers_version",
    "_name_or_path",
    "model_type",
    "use_cache",
)
_LORA = re.compile(r".*\.(\w+)\.lora_A(?:\.default)?\.weight")
_QFORMER_LAYER = "speech_Qformer.bert.encoder.layer.{}.intermediate_query.dense.weight"


class ReleaseFiles(Struct, frozen=True):
    """Where they lie. `ckpt` holds the trained part; `beats` None: a network that was trained without it."""

    ckpt: Path
    whisper: Path
    llm: Path
    beats: Path | None = None


class Trained(Struct, frozen=True):
    """What `ckpt` was trained with and its shapes do not tell; the release's own by default."""

    lora_alpha: float = 32
    qformer_heads: int = 12
    window_level: bool = True
    window_s: float = 0.333333
    stride_s: float = 0.333333


RELEASED = Trained()


def load_release(
    files: ReleaseFiles, *, trained: Trained = RELEASED, device: str = "cpu", dtype: Dtype = "float32"
) -> Loaded:
    """The network of a release, its weights in `dtype` on `device`, and its tokenizer.

    Both peft spellings, BEATs' weight norm under either name, shards and safetensors are read; pickles as tensors and
    plain data only. Buffers and aliases that the release saves may be there or not. Raises PrerequisiteError that names
    every missing, unexpected and mis-shaped key.
    """
    ckpt = _section(read_file(files.ckpt), "model", files.ckpt)
    frozen, pieces = frozen_parts(files.whisper, files.llm, files.beats)
    config = SalmonnConfig(
        llama=frozen.llama,
        whisper=frozen.whisper,
        beats=frozen.beats,
        qformer=_qformer(ckpt, trained, files.ckpt),
        lora=_lora(ckpt, trained),
    )
    pieces = [Piece(files.ckpt, ckpt, _TRAINED_PART), *pieces]
    network = fill(empty(config), pieces, device=torch.device(device), dtype=dtype)
    return Loaded(network, load_tokenizer(files.llm))


def frozen_parts(whisper: Path, llm: Path, beats: Path | None) -> tuple[SalmonnConfig, list[Piece]]:
    """The parts that a SALMONN is built around, and their shapes; the rest of the configuration is the default."""
    pieces = [
        Piece(whisper, _encoder(read_folder(whisper)), _WHISPER_PART),
        Piece(llm, _prefixed(_LLAMA, read_folder(llm)), _LLAMA_PART),
    ]
    shape = None
    if beats:
        saved = read_file(beats)
        shape = _config(_section(saved, "cfg", beats), BeatsConfig, beats)
        pieces.append(Piece(beats, _prefixed("beats.", _section(saved, "model", beats)), _BEATS_PART))
    llama = {key: value for key, value in _read_config(llm).items() if key not in _NOT_SHAPE}
    return SalmonnConfig(llama, _config(_read_config(whisper), WhisperConfig, whisper), shape), pieces


def _section(saved: Any, key: str, path: Path) -> dict[str, Any]:
    section = saved.get(key) if isinstance(saved, dict) else None
    if not isinstance(section, dict):
        found = ", ".join(map(str, saved)) if isinstance(saved, dict) else type(saved).__name__
        raise PrerequisiteError(f"{path}: holds {found}; expected a dictionary with `{key}`: is it the right file?")
    return section


def _read_config(folder: Path) -> dict[str, Any]:
    return read_whole(folder / "config.json", dict[str, Any], what="configuration of transformers")


def _config(values: Mapping[str, Any], kind: type[Config], path: Path) -> Config:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as fault:
        raise PrerequisiteError(f"{path}: its configuration is not one of this network: {fault}") from fault


def _encoder(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a whole Whisper its encoder; names with and without `model.` in front occur."""
    short = {name.removeprefix("model."): tensor for name, tensor in tensors.items()}
    own = {name.removeprefix("encoder."): tensor for name, tensor in short.items() if name.startswith("encoder.")}
    return _prefixed("speech_encoder.", own)


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _qformer(ckpt: Mapping[str, Tensor], trained: Trained, path: Path) -> QformerConfig:
    """Sizes by the shapes."""
    first = _QFORMER_LAYER.format(0)
    for name in ("speech_query_tokens", first):
        if name not in ckpt:
            raise PrerequisiteError(f"{path}: {name} is missing; expected the trained part of a SALMONN")
    _, queries, size = ckpt["speech_query_tokens"].shape
    return QformerConfig(
        hidden_size=size,
        num_attention_heads=trained.qformer_heads,
        intermediate_size=len(ckpt[first]),
        num_hidden_layers=next(n for n in range(len(ckpt) + 1) if _QFORMER_LAYER.format(n) not in ckpt),
        queries=queries,
        window_level=trained.window_level,
        window_s=trained.window_s,
        stride_s=trained.stride_s,
    )


def _lora(ckpt: Mapping[str, Tensor], trained: Trained) -> LoraSettings | None:
    """Rank and projections by names and shapes; None for a network trained without an adapter."""
    found = {match[1]: len(tensor) for name, tensor in ckpt.items() if (match := _LORA.fullmatch(name))}
    if not found:
        return None
    return LoraSettings(r=max(found.values()), alpha=trained.lora_alpha, target_modules=tuple(sorted(found)))
