"""Real recordings, and files made from them on the fly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

RECORDINGS = Path(__file__).resolve().parents[1] / "data" / "audio"

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def recordings() -> list[Path]:
    return sorted(RECORDINGS.glob("*.flac"))


@pytest.fixture(scope="session")
def speech(recordings: list[Path]) -> list[NDArray[np.float32]]:
    """The recordings as they are: 16 kHz, mono."""
    return [soundfile.read(path, dtype="float32")[0] for path in recordings]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, sound: NDArray[np.float32], rate: int = 16_000, subtype: str | None = None) -> Path:
        path = tmp_path / name
        soundfile.write(path, sound, rate, subtype=subtype)
        return path

    return write_file
