from pathlib import Path

import pytest
from engine_runs import recorded, replay

from salmonn_eval.models.protocol import ModelCard


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audio hashes of a test are its own."""
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def recorded_card(tmp_path: Path) -> ModelCard:
    """Replay of imperfect answers to all 78 clips of mini-real asr."""
    return replay(tmp_path / "answers.jsonl", recorded())
