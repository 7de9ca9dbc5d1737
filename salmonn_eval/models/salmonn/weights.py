"""Weights from files into a network: read safely, matched name by name, every difference named."""

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from msgspec import Struct
from torch import Tensor

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.salmonn.files import weight_files
from salmonn_eval.models.salmonn.names import to_ours, to_release
from salmonn_eval.models.salmonn.network import Salmonn
from salmonn_eval.models.salmonn.quantize import to_int8

Dtype = Literal["float32", "bfloat16", "float16", "int8"]


class Piece(Struct, frozen=True, eq=False):
    """The weights of one file or folder, under our names or the release's; `holds` fits the latter of its own part."""

    place: Path
    tensors: Mapping[str, Tensor]
    holds: str = ".*"


def read_file(path: Path) -> Any:
    """What a `.pt`, `.pth` or `.bin` file holds, its tensors still on disk; no code of the file runs.

    Raises PrerequisiteError if it cannot be read, or holds more than tensors and plain data.
    """
    try:
        return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except OSError as fault:
        raise PrerequisiteError(f"{path}: cannot be read ({fault.strerror}); expected a checkpoint") from fault
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as fault:
        said = str(fault).splitlines()[0]
        raise PrerequisiteError(f"{path}: not a file of tensors and plain data ({said}); fetch it again") from fault


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; PrerequisiteError if it is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as fault:
        raise PrerequisiteError(f"{path}: not readable as safetensors ({fault}); fetch or save it again") from fault


def read_folder(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder in transformers' layout, in one file or in shards."""
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        tensors.update(read_safetensors(path) if path.suffix == ".safetensors" else read_file(path))
    return tensors


def fill(network: Salmonn, pieces: Sequence[Piece], *, device: torch.device, dtype: Dtype) -> Salmonn:
    """Give an empty network its weights, in `dtype` on `device`; they are frozen, and the network is ready to answer.

    `int8` is for the language model; the rest is then float16 (float32 on a CPU). Raises PrerequisiteError that names
    every key that is missing, unexpected or of another shape, each with its file.
    """
    found = _matched(network, pieces)
    short = dtype == "int8"
    half = "float16" if device.type == "cuda" else "float32"
    kind = getattr(torch, half if short else dtype)
    place = torch.device("cpu") if short else device
    network.load_state_dict({name: tensor.to(place, kind) for name, tensor in found.items()}, strict=False, assign=True)
    network.llama.tie_weights()
    network.requires_grad_(False)
    if short:
        to_int8(network.llama)
    return network.to(device).eval()


def _matched(network: Salmonn, pieces: Sequence[Piece]) -> dict[str, Tensor]:
    """The pieces' weights under our names."""
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if network.llama.config.tie_word_embeddings:
        del shapes["llama.lm_head.weight"]
    found: dict[str, Tensor] = {}
    faults: list[str] = []
    for piece in pieces:
        for theirs, ours in to_ours(piece.tensors, shapes).items():
            tensor = piece.tensors[theirs]
            if ours not in shapes or not re.fullmatch(piece.holds, to_release(ours)):
                faults.append(f"{piece.place}: {theirs} is unexpected")
                continue
            if tensor.shape != shapes[ours]:
                shape, expected = list(tensor.shape), list(shapes[ours])
                faults.append(f"{piece.place}: {theirs} has the shape {shape}; expected {expected}")
            found[ours] = tensor
    for name in (to_release(name) for name in shapes if name not in found):
        place = next(piece.place for piece in pieces if re.fullmatch(piece.holds, name))
        faults.append(f"{place}: {name} is missing")
    if faults:
        raise PrerequisiteError("\n".join(["the files do not fit together as one network:", *faults]))
    return found
