"""Periodic validation: the network in training, asked the real tasks and scored by the real scorers."""

from pathlib import Path

from salmonn_eval.api.evaluate import evaluate
from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.model import SalmonnModel
from salmonn_eval.records import AudioPolicy, MetricValue
from salmonn_eval.training.config import TrainConfig


class Validation:
    """Runs `config.validate`, each time in a run directory of its own; the score is `score` of its values."""

    def __init__(self, loaded: Loaded, config: TrainConfig, out: Path) -> None:
        if config.validate is None:
            raise UsageError("the training file has no section `validate`")
        self._loaded = loaded
        self._config = config
        self._settings = config.validate
        self._out = out

    def __call__(self, checkpoint: Path, step: int) -> float:
        """Score the network as it is now."""
        hearing = self._loaded.network.hearing
        card = ModelCard(
            name=f"step-{step}",
            backend="salmonn",
            fingerprint=fingerprint([str(self._out), step, upstream(hearing)]),
            template=self._config.template,
            audio=AudioPolicy(self._loaded.network.config.whisper.samples / 16_000, 1.0, channels="first"),
            capabilities=Capabilities(lora_scale="per_row", logprobs=True, beams=True),
            default_lora_scale=self._loaded.network.config.lora.scale if self._loaded.network.config.lora else None,
        )
        model = SalmonnModel(card, self._loaded, EncoderCache(upstream(hearing)))
        run = evaluate(
            model,
            self._settings.tasks,
            suite=self._settings.suite,
            limit=self._settings.limit,
            generation={"num_beams": 1},
            run_dir=self._out / f"step-{step}",
            canary=False,
        )
        return score(run.results)


def score(values: tuple[MetricValue, ...]) -> float:
    """Mean over the headline values, each as a share of the way from worst to best; errors count as worst."""
    whole = [value for value in values if value.reading == "all" and value.group is None and value.value is not None]
    first = {(value.task, value.dataset): value for value in reversed(whole)}
    shares = [_share(value) for value in first.values()]
    return sum(shares) / len(shares) if shares else 0.0


def _share(value: MetricValue) -> float:
    assert value.value is not None
    part = value.value / 100 if value.unit in ("percent", "points") else value.value
    return max(0.0, 1 - part) if value.better == "lower" else min(1.0, part)
