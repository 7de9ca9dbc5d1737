"""Logs written in the tools' own layouts."""

from pathlib import Path

import pytest


@pytest.fixture
def logs() -> Path:
    return Path(__file__).resolve().parents[1] / "data" / "logs"
