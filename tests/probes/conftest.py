from collections.abc import Callable
from pathlib import Path

import pytest

from salmonn_eval.api.compose import spec_from
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import Model, ModelCard
from salmonn_eval.records import Variant

SCALES = (0.0, 2.0, 4.0)
MakeSpec = Callable[..., RunSpec]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def nano() -> Model:
    """The embedded over-fitted checkpoint: small, and real."""
    card = registry.resolve("salmonn-nano-stage2", {})
    return registry.load(card, device="cpu", dtype="float32", batch_size=None)


@pytest.fixture
def make_spec(nano: Model) -> MakeSpec:
    """What would be asked of a model: `make_spec("sf,en2de", limit=2)`."""

    def make(
        tasks: str, *, limit: int = 2, scales: tuple[float | None, ...] = SCALES, card: ModelCard | None = None
    ) -> RunSpec:
        return spec_from(
            tasks=tasks, suite="mini", model=card or nano.card, model_arguments={}, task_paths=[], model_paths=[],
            data={}, dtype=None, variants=tuple(Variant(scale) for scale in scales), seed=0, limit=limit,
            sample_ids=(), generation={}, seen_prompts=None, metrics=(), judge=None, long_audio=None,
            skip_missing_data=False, allow_missing_metrics=False,
        )  # fmt: skip

    return make
