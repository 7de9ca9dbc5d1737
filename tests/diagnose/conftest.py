"""Finished runs that diagnoses are tried on."""

from pathlib import Path

import pytest

from salmonn_eval.data.logs.read import read_log
from salmonn_eval.engine.imports import Imported, import_log
from salmonn_eval.engine.spec import RunOptions
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task


@pytest.fixture(scope="session")
def published(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that AudioBench's published SALMONN-7B log on LibriSpeech test-clean becomes."""
    log = shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz"
    said = Imported(find_task(discover(), "asr"), "librispeech-test-clean", "SALMONN-7B", "en")
    return import_log(log, read_log(log, None), said, RunOptions(tmp_path_factory.mktemp("published"))).run.path
