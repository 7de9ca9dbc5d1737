"""Fixtures for every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No test is about time, and a busy machine is no fault; CI tries the same examples every time.
settings.register_profile("here", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("here")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real recordings and published outputs that may not ship with the project."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the checkout: data that the project may not ship")
    return folder
