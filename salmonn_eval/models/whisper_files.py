"""The files of a Whisper checkpoint folder in transformers' layout."""

from collections.abc import Iterator
from pathlib import Path

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.backend import file_sha256

# Each line is one need; the first pattern that matches anything is what the loader reads.
_NEEDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("weights", ("model*.safetensors", "pytorch_model*.bin")),
    ("configuration", ("config.json",)),
    ("feature extractor", ("preprocessor_config.json", "processor_config.json")),
    ("tokenizer", ("tokenizer.json", "vocab.json")),
)
_OPTIONAL = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)


def checkpoint_hashes(folder: Path, get: str | None) -> dict[str, str]:
    """SHA-256 of every file that decides an answer, by name; PrerequisiteError says what is missing and `get`."""
    hint = f"; {get}" if get else ""
    if not folder.is_dir():
        raise PrerequisiteError(f"{folder}: no such folder; expected a Whisper checkpoint of transformers{hint}")
    return {path.name: file_sha256(path, what="a file of the checkpoint") for path in _files(folder, hint)}


def _files(folder: Path, hint: str) -> Iterator[Path]:
    yielded: set[Path] = set()
    for need, patterns in _NEEDS:
        found = next((paths for pattern in patterns if (paths := sorted(folder.glob(pattern)))), None)
        if found is None:
            raise PrerequisiteError(f"{folder}: lacks its {need} ({' or '.join(patterns)}){hint}")
        yielded.update(found)
        yield from found
    yield from (path for name in _OPTIONAL if (path := folder / name).is_file() and path not in yielded)
