"""A folder of our own: `config.json`, safetensors under our names, and (whole networks) the tokenizer.

whole/    config.json  model.safetensors  tokenizer.json ...
adapter/  config.json  adapter.safetensors     the LoRA weights alone, for a whole network that they name by hash
"""

from pathlib import Path
from typing import Any, Literal

import torch
from msgspec import Struct
from msgspec.structs import replace
from torch import Tensor

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole, write_json
from salmonn_eval.models.salmonn.config import LoraSettings, SalmonnConfig
from salmonn_eval.models.salmonn.files import ADAPTER, WHOLE, hashes
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.network import Salmonn, empty
from salmonn_eval.models.salmonn.weights import Dtype, Piece, fill, read_safetensors


class WholeFile(Struct, frozen=True, tag="whole", tag_field="holds", forbid_unknown_fields=True):
    """`config.json` of a whole network."""

    network: SalmonnConfig
    schema: Literal[1] = 1


class AdapterFile(Struct, frozen=True, tag="adapter", tag_field="holds", forbid_unknown_fields=True):
    """`config.json` of an adapter; `base` is the SHA-256 of the `model.safetensors` that it was trained on."""

    lora: LoraSettings
    base: str
    schema: Literal[1] = 1


def save(loaded: Loaded, folder: Path) -> None:
    """Write a whole network; what lies in the folder under the same names is replaced.

    Raises UsageError for a network in eight bits.
    """
    if any(tensor.dtype == torch.int8 for tensor in loaded.network.state_dict().values()):
        raise UsageError(f"{folder}: a network in eight bits is not saved; load it in another dtype")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / WHOLE, loaded.network.state_dict())
    loaded.tokenizer.save_pretrained(folder)
    write_json(folder / "config.json", WholeFile(loaded.network.config))


def save_adapter(network: Salmonn, folder: Path, *, base: Path) -> None:
    """Write a network's LoRA weights alone; `base` is the folder of the whole network around them.

    Raises PrerequisiteError for a network without an adapter.
    """
    if network.config.lora is None:
        raise PrerequisiteError("the network has no adapter to save; give its configuration a `lora`")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / ADAPTER, {name: tensor for name, tensor in network.state_dict().items() if ".lora_" in name})
    write_json(folder / "config.json", AdapterFile(network.config.lora, _base_hash(base)))


def load(folder: Path, *, adapter: Path | None = None, device: str = "cpu", dtype: Dtype = "float32") -> Loaded:
    """The network of a folder, with its own adapter or another one's in its place.

    Raises PrerequisiteError for files that are missing, an adapter of another base, and every key that does not fit.
    """
    config = read_config(folder)
    tensors = read_safetensors(folder / WHOLE)
    pieces = [Piece(folder / WHOLE, tensors)]
    if adapter is not None:
        told = _read(adapter, AdapterFile, "an adapter")
        if told.base != (found := _base_hash(folder)):
            raise PrerequisiteError(
                f"{adapter}: was trained on another network: its base is {told.base[:12]}, this one's "
                f"{WHOLE} is {found[:12]}; choose another --model-arg folder"
            )
        config = replace(config, lora=told.lora)
        bare = {name: tensor for name, tensor in tensors.items() if ".lora_" not in name}
        pieces = [
            Piece(adapter / ADAPTER, read_safetensors(adapter / ADAPTER), r".*\.lora_.*"),
            Piece(folder / WHOLE, bare, r"(?!.*\.lora_).*"),
        ]
    network = fill(empty(config), pieces, device=torch.device(device), dtype=dtype)
    return Loaded(network, load_tokenizer(folder))


def read_config(folder: Path) -> SalmonnConfig:
    """The configuration of a folder with a whole network."""
    config: SalmonnConfig = _read(folder, WholeFile, "a whole SALMONN").network
    return config


def _read(folder: Path, kind: Any, what: str) -> Any:
    """`config.json`, of the expected kind."""
    either: Any = WholeFile | AdapterFile
    found = read_whole(folder / "config.json", either, what="configuration of a SALMONN folder")
    if not isinstance(found, kind):
        raise PrerequisiteError(f"{folder}: does not hold {what}; choose another folder")
    return found


def _base_hash(folder: Path) -> str:
    ((_, found),) = hashes([folder / WHOLE])
    return found


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    """One safetensors file, or nothing; tensors that share memory (tied embeddings) are written once."""
    from safetensors.torch import save_file

    once: dict[int, str] = {}
    for name, tensor in tensors.items():
        once.setdefault(tensor.data_ptr(), name)
    own = {name: tensors[name].detach().cpu().contiguous() for name in once.values()}
    temporary = path.with_name(f".{path.name}.tmp")
    save_file(own, temporary)
    temporary.replace(path)
