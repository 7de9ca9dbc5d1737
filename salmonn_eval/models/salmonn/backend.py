"""The backend `salmonn`: from a card and its arguments to a model.

A card gives either `folder` (one of our own, and perhaps an `adapter`), or the release's files: `ckpt`, `whisper`,
`llm`, and `beats` unless the network was trained without it.
"""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.device import torch_device
from salmonn_eval.models.protocol import Model, ModelCard
from salmonn_eval.models.salmonn.config import BeatsConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.files import ADAPTER, WHOLE, folder_files, hashes
from salmonn_eval.models.salmonn.memory import Workload, needs, report

CACHE_GB = "SALMONN_EVAL_ENCODER_CACHE_GB"
RELEASE = ("ckpt", "beats", "whisper", "llm")
# Arguments that are numbers of `checkpoint.Trained`; cards of networks trained otherwise declare them.
TRAINED = ("lora_alpha", "qformer_heads", "window_level", "window_s", "stride_s")


class SalmonnBackend:
    """Answers with the SALMONN network; `int8` needs bitsandbytes."""

    dtypes: tuple[str, ...] = ("float32", "bfloat16", "float16", "int8")

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """Hashes of all files that decide an answer, and the settings. PrerequisiteError names all that is missing."""
        paths = {name: Path(str(arguments[name])) for name in ("folder", "adapter", *RELEASE) if name in arguments}
        wanted = ("folder",) if "folder" in paths else tuple(name for name in RELEASE if name in card.arguments)
        if lacking := [name for name in wanted if name not in paths]:
            raise PrerequisiteError(_what_is_missing(card, lacking))
        if absent := [f"{name}={path}" for name, path in paths.items() if not path.exists()]:
            raise PrerequisiteError(f"no such file or folder: {', '.join(absent)}{_get(card)}")
        _check_llm(card, arguments)
        settings = {name: arguments[name] for name in TRAINED if name in arguments}
        files = {name: hashes(_files(name, path)) for name, path in paths.items()}
        return {"files": files, "settings": settings}

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Model:
        """Load from local files; nothing is fetched and no code of a folder runs."""
        return self.load_cached(card, device=device, batch_size=batch_size, encoder_cache=None)

    def load_cached(self, card: ModelCard, *, device: str, batch_size: int | None, encoder_cache: Path | None) -> Model:
        """The same, with encoder outputs kept in a folder."""
        from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
        from salmonn_eval.models.salmonn.model import ROWS, SalmonnModel

        place = torch_device(device)
        cache_bound()
        _check_memory(card, place)
        loaded = _load(card, str(place))
        cache = EncoderCache(upstream(loaded.network.hearing), encoder_cache, disk_bytes=cache_bound())
        return SalmonnModel(card, loaded, cache, batch_size or ROWS)

    def estimate(self, card: ModelCard, *, requests: int, clips: int, tokens: int, beams: int) -> list[str]:
        """Memory and time on each known GPU; nothing is loaded."""
        return report(_shape(card), card.dtype, Workload(requests, clips, tokens, beams))


def cache_bound() -> int:
    """Bytes that a folder of encoder outputs may take: `SALMONN_EVAL_ENCODER_CACHE_GB`, 20 unless it is set."""
    text = os.environ.get(CACHE_GB, "20")
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise UsageError(f"{CACHE_GB}={text}: expected how many gigabytes encoder outputs may take, above 0")
    return int(size * 2**30)


def _shape(card: ModelCard) -> SalmonnConfig:
    """The network's configuration by its small files alone; what they do not tell is the release's."""
    given = card.arguments
    if "folder" in given:
        from salmonn_eval.models.salmonn.folder import read_config

        return read_config(Path(given["folder"]))
    llama, whisper = (_read_json(Path(given[name]) / "config.json") for name in ("llm", "whisper"))
    beats = BeatsConfig() if "beats" in given else None
    return SalmonnConfig(llama=llama, whisper=msgspec.convert(whisper, WhisperConfig), beats=beats)


def _check_memory(card: ModelCard, device: Any) -> None:
    """PrerequisiteError where not even the weights fit into what is free."""
    import psutil
    import torch

    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    need = needs(_shape(card), card.dtype, Workload(requests=1, clips=1, tokens=1)).weights
    if need > free:
        raise PrerequisiteError(
            f"model `{card.name}` in {card.dtype} has {need / 1e9:.1f} GB of weights; {device} has {free / 1e9:.1f} GB "
            "free: choose another --dtype (int8 is the smallest) or --device"
        )


def _load(card: ModelCard, device: str) -> Any:
    from salmonn_eval.models.salmonn import checkpoint, folder

    given: dict[str, Any] = card.arguments
    dtype: Any = card.dtype
    if "folder" in given:
        adapter = Path(given["adapter"]) if "adapter" in given else None
        return folder.load(Path(given["folder"]), adapter=adapter, device=device, dtype=dtype)
    files = checkpoint.ReleaseFiles(
        ckpt=Path(given["ckpt"]),
        whisper=Path(given["whisper"]),
        llm=Path(given["llm"]),
        beats=Path(given["beats"]) if "beats" in given else None,
    )
    trained = checkpoint.Trained(**{name: given[name] for name in TRAINED if name in given})
    return checkpoint.load_release(files, trained=trained, device=device, dtype=dtype)


def _files(name: str, path: Path) -> Iterator[Path]:
    """The files behind one argument."""
    if name in ("ckpt", "beats"):
        yield path
    elif name == "adapter":
        yield from (path / "config.json", path / ADAPTER)
    elif name == "folder":
        yield from (path / "config.json", path / WHOLE)
        yield from folder_files(path, tokenizer=True)
    else:
        yield from folder_files(path, tokenizer=name == "llm")


def _check_llm(card: CardFile, arguments: Mapping[str, Any]) -> None:
    """The right Vicuna: its versions have equal shapes and differ in how many positions their configuration states."""
    expected = arguments.get("llm_positions")
    if not expected or "llm" not in arguments or "folder" in arguments:
        return
    config = Path(str(arguments["llm"])) / "config.json"
    found = _read_json(config).get("max_position_embeddings")
    if found != expected:
        raise PrerequisiteError(
            f"{config}: max_position_embeddings is {found}; the language model of `{card.name}` says {expected}"
            f"{_get(card)} (--model-arg llm_positions=0 takes any)"
        )


def _read_json(path: Path) -> dict[str, Any]:
    return read_whole(path, dict[str, Any], what="configuration of transformers")


def _what_is_missing(card: CardFile, lacking: list[str]) -> str:
    lines = [f"  --model-arg {name}=...  {card.arguments[name].help}" for name in lacking if name in card.arguments]
    return "\n".join(
        [f"model `{card.name}` needs files that were not given:", *lines, *([card.get] if card.get else [])]
    )


def _get(card: CardFile) -> str:
    return f"; {card.get}" if card.get else ""


BACKEND = SalmonnBackend()
