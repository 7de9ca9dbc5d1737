"""Finished runs that diagnoses are tried on."""

from pathlib import Path

import pytest

from salmonn_eval.api.compose import spec_from
from salmonn_eval.data.logs.read import read_log
from salmonn_eval.engine.imports import Imported, import_log
from salmonn_eval.engine.predict import Silent
from salmonn_eval.engine.spec import RunOptions
from salmonn_eval.models import registry
from salmonn_eval.probes.asked import ask
from salmonn_eval.records import Variant
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task


@pytest.fixture(scope="session")
def published(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that AudioBench's published SALMONN-7B log on LibriSpeech test-clean becomes."""
    log = shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz"
    said = Imported(find_task(discover(), "asr"), "librispeech-test-clean", "SALMONN-7B", "en")
    return import_log(log, read_log(log, None), said, RunOptions(tmp_path_factory.mktemp("published"))).run.path


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real sweep: the embedded over-fitted model at two scales on a trained and an untrained task."""
    card = registry.resolve("salmonn-nano-stage2", {})
    model = registry.load(card, device="cpu", dtype="float32", batch_size=None)
    spec = spec_from(
        tasks="asr,en2de,story:mini-speech", suite="mini", model=card, model_arguments={}, task_paths=[],
        model_paths=[], data={}, dtype=None, variants=(Variant(0.0), Variant(4.0)), seed=0, limit=12,
        sample_ids=(), generation={}, seen_prompts=None, metrics=(), judge=None, long_audio=None,
        skip_missing_data=False, allow_missing_metrics=False,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("swept") / "run"
    return ask(model, spec, spec.questions, spec.variants, folder, Silent()).path
