"""Where copies of things that can be had again are kept."""

from pathlib import Path

import pytest

from salmonn_eval.cachefolder import cache_folder


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SALMONN_EVAL_CACHE")
    assert cache_folder().name == "salmonn-eval"
