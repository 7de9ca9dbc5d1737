"""`sweep`: `run` with several scales of a model's adapter, refused where there is nothing to sweep."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salmonn_eval.engine.spec import RunOptions, RunSpec
    from salmonn_eval.models.protocol import Model


def scales_to_sweep(
    given: tuple[float | None, ...],
    model: str,
    arguments: Mapping[str, str],
    dtype: str | None,
    model_paths: Sequence[Path],
) -> tuple[float | None, ...]:
    """The scales as given, or five up to the adapter's own; UsageError for a model without an adapter.

    Says so where the adapter's own scale is not among them: what the others are held against.
    """
    from salmonn_eval.cli.console import tell
    from salmonn_eval.models import registry
    from salmonn_eval.probes.adapter import need_adapter, sweep_scales

    card = registry.resolve(model, arguments, dtype, folders=model_paths)
    default = need_adapter(card)
    if given == (None,):
        return sweep_scales(card)
    if default not in given:
        tell(f"note: {default:g}, the adapter's own scale, is not swept: no over-fitting index without it")
    return given


def acting_model(spec: "RunSpec", settings: "RunOptions") -> "Callable[[], Model]":
    """What loads the model, once, and proves that its adapter acts.

    A new sweep is proven here, before it has a folder; one that goes on, when there is something left to ask.
    """
    from salmonn_eval.cli.console import tell
    from salmonn_eval.cli.run import load_model
    from salmonn_eval.engine.rundir import unfinished
    from salmonn_eval.probes.adapter import prove_adapter

    @cache
    def proven() -> "Model":
        model = load_model(spec, settings)
        if prove_adapter(model, spec) is None:
            tell(f"note: `{spec.card.name}` gives no log-probabilities: that its adapter acts is not proven")
        return model

    if settings.run_dir is not None:
        begun = (settings.run_dir / "run.json").exists()
    else:
        begun = not settings.fresh and unfinished(spec.hash(), settings.out) is not None
    if not begun:
        proven()
    return proven
