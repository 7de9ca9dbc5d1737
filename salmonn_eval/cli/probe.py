"""`probe`: the diagnoses of task over-fitting that need a model."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.engine.spec import RunSpec
    from salmonn_eval.probes.finding import Diagnosis

Parts = Annotated[
    str,
    o.option(
        "--parts", help="Some of likelihood (perplexity, selection), forgetting, hallucination, collapse.", env=False
    ),
]
ALL_PARTS = "likelihood,forgetting,hallucination,collapse"


def probe(
    run: Annotated[Path | None, typer.Argument(help="A run, whose model and test sets are then meant.")] = None,
    tasks: o.Tasks = "all",
    suite: o.Suite = "mini",
    model: o.Model = "salmonn-nano-stage2",
    model_arg: o.ModelArg = None,
    model_path: o.ModelPath = None,
    task_path: o.TaskPath = None,
    data: o.Data = None,
    lora_scales: o.LoraScales = None,
    parts: Parts = ALL_PARTS,
    limit: o.Limit = 50,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    dtype: o.Dtype = None,
    batch_size: o.BatchSize = None,
    out: o.Out = Path("results/probe"),
    json: o.Json = False,
) -> None:
    """Ask a model what its answers alone do not tell: perplexity, selection, forgetting, hallucination, collapse.

    Diagnoses are written into --out, or into RUN's folder; what was asked before is not asked again.
    """
    from salmonn_eval.api.compose import spec_from
    from salmonn_eval.cli import parse
    from salmonn_eval.engine.rundir import RunDirectory
    from salmonn_eval.errors import UsageError
    from salmonn_eval.models import registry
    from salmonn_eval.probes.adapter import sweep_scales

    if run is not None:
        if RunDirectory(run).read().spec.imported:
            raise UsageError(f"{run}: an imported log has no model to ask; name one with --model and its test sets")
        diagnose_model(RunDirectory(run).read().spec, run / "diagnosis", parts, device, batch_size, json=json)
        return
    card = registry.resolve(model, parse.pairs("--model-arg", model_arg), dtype, folders=model_path or [])
    scales = parse.lora_scales(lora_scales, "--lora-scales")
    if scales == (None,) and card.default_lora_scale is not None:
        scales = sweep_scales(card)
    spec = spec_from(
        tasks=tasks, suite=suite, model=card, model_arguments={}, task_paths=task_path or [], model_paths=[],
        data=parse.pairs("--data", data), dtype=None, variants=parse.variants("release", "none", seed, scales),
        seed=seed, limit=limit, sample_ids=(), generation={}, seen_prompts=None, metrics=(), judge=None,
        long_audio=None, skip_missing_data=False, allow_missing_metrics=True,
    )  # fmt: skip
    diagnose_model(spec, out, parts, device, batch_size, json=json)


def diagnose_model(
    spec: "RunSpec", folder: Path, parts: str, device: str, batch_size: int | None, *, json: bool = False
) -> None:
    """Probe the model of a specification, print what was found and where it lies."""
    from salmonn_eval.cli.console import say, say_json

    found = probed(spec, folder, parts, device, batch_size)
    if json:
        say_json({"folder": str(folder), "diagnoses": list(found.values())})
        return
    for page in told(found.values()):
        say(page)
    say(f"diagnoses: {folder}")


def probed(
    spec: "RunSpec", folder: Path, parts: str, device: str, batch_size: int | None, *, plots: bool = True
) -> "dict[str, Diagnosis]":
    """Load the model of a specification, probe it, write and draw its diagnoses into `folder`.

    `parts` is a comma list of `probes.probe.PARTS`. The test sets, the limit and the LoRA scales are the
    specification's; its conditions and wordings are not.
    """
    from salmonn_eval.cli.console import progress, tell
    from salmonn_eval.models import registry
    from salmonn_eval.probes.plots import draw
    from salmonn_eval.probes.probe import probe as ask

    model = registry.load(spec.card, device=device, dtype=spec.card.dtype, batch_size=batch_size)
    if spec.card.capabilities.lora_scale == "none":
        tell(f"note: {_without_adapter(spec.card.name)}")
    with progress() as bar:
        found = ask(model, spec, folder, parts=_words(parts), progress=bar)
    if plots:
        draw(folder)
    return found


def told(found: Iterable["Diagnosis"]) -> Iterator[str]:
    """Each diagnosis as its page."""
    from salmonn_eval.probes.text import markdown

    return map(markdown, found)


def _without_adapter(name: str) -> str:
    return (
        f"model `{name}` has no adapter: perplexity, selection and hallucination are told at its one setting; how they "
        "change with the scale, and forgetting, cannot be"
    )


def _words(text: str) -> Sequence[str]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
