"""The reference's numbers, and networks with its weights."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import load_file
from torch import Tensor

from salmonn_eval.models.salmonn.config import BeatsConfig, LoraSettings, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.network import Salmonn, empty
from salmonn_eval.models.salmonn.weights import Piece, fill

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "parity"
MODELS = ("P2_eos", "P3_nq2_w0.5_s0.25", "P5_no_beats")


class Case(msgspec.Struct, frozen=True, eq=False):
    """One case: its folder, what is told about it, and its tensors."""

    folder: Path
    meta: dict[str, Any]
    tensors: dict[str, Tensor]

    def waves(self) -> list[Tensor]:
        """The clips, without padding, as the reference heard them."""
        sound = self.tensors["raw_wav_i16"].double() / 32768
        return [wave[:length] for wave, length in zip(sound, self.tensors["lengths"].tolist(), strict=True)]


@cache
def case(name: str, root: Path = SHIPPED) -> Case:
    """`model/P2_eos`, `beats/A_small_config` and the like."""
    path = root / name
    if path.is_dir():
        return Case(path, json.loads((path / "meta.json").read_text()), load_file(path / "io.safetensors"))
    meta = path.parent / f"{path.name}.json"
    told = json.loads(meta.read_text()) if meta.exists() else {}
    return Case(path.parent, told, load_file(path.parent / f"{path.name}.safetensors"))


def config(spec: dict[str, Any]) -> SalmonnConfig:
    """Our configuration of a case's `spec`; the head has one row more, for the reference's padding token."""
    asked = spec["qformer"]
    return SalmonnConfig(
        llama={**spec["llama"], "vocab_size": spec["llama"]["vocab_size"] + 1},
        whisper=msgspec.convert(spec["whisper"], WhisperConfig),
        beats=msgspec.convert(spec["beats"], BeatsConfig | None),
        qformer=QformerConfig(
            queries=asked["num_speech_query_token"],
            window_level=asked["window_level_Qformer"],
            window_s=asked["second_per_window"],
            stride_s=asked["second_stride"],
            **spec["bert"],
        ),
        lora=LoraSettings(spec["lora"]["r"], spec["lora"]["alpha"]),
    )


@cache
def network(folder: Path, name: str = "state_dict") -> Salmonn:
    """The network of a case's folder, with the reference's weights, in float32."""
    meta = next(path for path in (folder / "meta.json", folder / "contract.json") if path.exists())
    path = folder / f"{name}.safetensors"
    shaped = empty(config(json.loads(meta.read_text())["spec"]))
    return fill(shaped, [Piece(path, load_file(path))], device=torch.device("cpu"), dtype="float32")


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest absolute difference; the shapes must be equal."""
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max())
