"""The parts made into one SALMONN."""

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.jsonl import atomic
from salmonn_eval.models.salmonn.config import LoraSettings, QformerConfig, SalmonnConfig
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.weights import Piece, read_safetensors
from salmonn_eval.nano.encoders import audio, speech
from salmonn_eval.nano.language.train import llama_config
from salmonn_eval.training.parts import assembled

WEIGHTS = "model.safetensors"
QFORMER = QformerConfig(hidden_size=256, num_attention_heads=4, intermediate_size=512, num_hidden_layers=2)
LORA = LoraSettings(r=8, alpha=32)
# Each part's prefix in the network, and all that it holds, by the release's names.
_PLACES = {
    "language": ("llama.", r"llama_model\.(?!.*\.lora_).*"),
    "speech": ("hearing.whisper.", r"speech_encoder\..*"),
    "audio": ("hearing.beats.", r"beats\..*"),
}


def save_part(module: nn.Module, folder: Path) -> Path:
    """One part's weights in bfloat16, as they go into the network; the file."""
    return _write(_state(module), folder)


def take_part(name: str, source: Path, folder: Path) -> None:
    """Copy a trained part, of a folder of parts or out of a whole network; raises PrerequisiteError if it has none."""
    if (source / name / WEIGHTS).is_file():
        shutil.copytree(source / name, folder, dirs_exist_ok=True)
        return
    prefix, _ = _PLACES[name]
    whole = read_safetensors(source / WEIGHTS) if (source / WEIGHTS).is_file() else {}
    found = {
        key.removeprefix(prefix): tensor
        for key, tensor in whole.items()
        if key.startswith(prefix) and ".lora_" not in key
    }
    if not found:
        raise PrerequisiteError(f"{source}: expected {name}/{WEIGHTS}, a trained part, or {WEIGHTS}, a whole network")
    _write(found, folder)
    if name == "language":
        load_tokenizer(source).save_pretrained(folder)


def load_nano(parts: Path, *, seed: int) -> Loaded:
    """A network of the parts in `language`, `speech` and `audio` below a folder; what learns is drawn by the seed."""
    folders = {name: parts / name for name in _PLACES}
    if missing := [str(folder / WEIGHTS) for folder in folders.values() if not (folder / WEIGHTS).is_file()]:
        raise PrerequisiteError(f"no such file: {', '.join(missing)}; make them with `salmonn-eval train nano`")
    tokenizer = load_tokenizer(folders["language"])
    config = SalmonnConfig(llama_config(tokenizer), speech.CONFIG, audio.CONFIG, QFORMER, LORA)
    pieces = [_piece(name, folder) for name, folder in folders.items()]
    return Loaded(assembled(config, pieces, seed=seed), tokenizer)


def _write(tensors: dict[str, Tensor], folder: Path) -> Path:
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / WEIGHTS) as file:
        file.write(save({name: tensor.to(torch.bfloat16).contiguous() for name, tensor in tensors.items()}))
    return folder / WEIGHTS


def _piece(name: str, folder: Path) -> Piece:
    tensors = read_safetensors(folder / WEIGHTS)
    prefix, holds = _PLACES[name]
    return Piece(folder / WEIGHTS, {prefix + key: tensor for key, tensor in tensors.items()}, holds)


def _state(module: Any) -> dict[str, Tensor]:
    """Each tensor once: the embedding that is tied to the output under its own name."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in module.state_dict().items():
        found.setdefault(tensor.data_ptr(), (name, tensor))
    return dict(found.values())
