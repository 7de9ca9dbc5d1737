"""The files of a checkpoint, found and hashed without loading anything."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.models.backend import file_sha256

# The first that is there is read; an index names the shards.
_WEIGHTS = (
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
TOKENIZER = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
WHOLE, ADAPTER = "model.safetensors", "adapter.safetensors"  # of our own folders
_HASHING_THREADS = 4


def weight_files(folder: Path) -> list[Path]:
    """The weight files of a folder in transformers' layout; PrerequisiteError if one is missing."""
    name = next((name for name in _WEIGHTS if (folder / name).is_file()), None)
    if name is None:
        raise PrerequisiteError(f"{folder}: lacks its weights ({' or '.join(_WEIGHTS)}); fetch the folder again")
    if not name.endswith(".index.json"):
        return [folder / name]
    index = read_whole(folder / name, dict[str, object], what="index of weight files").get("weight_map")
    shards = sorted(set(index.values())) if isinstance(index, dict) else []
    lacking = [shard for shard in shards if not (folder / shard).is_file()]
    if lacking or not shards:
        raise PrerequisiteError(f"{folder}: {name} names {', '.join(lacking) or 'no file'}; fetch the folder again")
    return [folder / shard for shard in shards]


def folder_files(folder: Path, *, tokenizer: bool) -> Iterator[Path]:
    """Configuration, weights and (if asked for) tokenizer files; PrerequisiteError if a needed one is missing."""
    if not (folder / "config.json").is_file():
        raise PrerequisiteError(f"{folder}: lacks config.json; expected a checkpoint folder in transformers' layout")
    yield folder / "config.json"
    yield from weight_files(folder)
    if tokenizer:
        present = [folder / name for name in TOKENIZER if (folder / name).is_file()]
        if not any(path.name in TOKENIZER[:2] for path in present):
            raise PrerequisiteError(f"{folder}: lacks its tokenizer ({' or '.join(TOKENIZER[:2])})")
        yield from present


def hashes(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """Name and SHA-256 of each file, sorted, several read at a time."""
    ordered = list(paths)
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        found = pool.map(lambda path: file_sha256(path, what="a file of the checkpoint"), ordered)
        return sorted(zip((path.name for path in ordered), found, strict=True))
