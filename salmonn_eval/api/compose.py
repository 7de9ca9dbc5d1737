"""From the words of a command or a call to a run's specification."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from salmonn_eval.data.released import released_tasks
from salmonn_eval.engine.spec import JudgeSettings, RunSpec
from salmonn_eval.engine.specify import Wishes, specify
from salmonn_eval.errors import UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import LongAudio, Variant
from salmonn_eval.tasks.discover import Catalogue, discover
from salmonn_eval.tasks.seen_prompts import load_seen_prompts
from salmonn_eval.tasks.selection import select
from salmonn_eval.tasks.spec import MetricSpec, Suite


def spec_from(
    *,
    tasks: str,
    suite: str | None,
    model: str | ModelCard,
    model_arguments: Mapping[str, str],
    task_paths: Sequence[Path],
    model_paths: Sequence[Path],
    data: Mapping[str, str],
    dtype: str | None,
    variants: tuple[Variant, ...],
    seed: int,
    limit: int | None,
    sample_ids: tuple[str, ...],
    generation: Mapping[str, Any],
    seen_prompts: Path | None,
    metrics: tuple[MetricSpec, ...],
    judge: JudgeSettings | None,
    long_audio: str | None,
    skip_missing_data: bool,
    allow_missing_metrics: bool,
    annotation: Path | None = None,
    annotation_task: str | None = None,
) -> RunSpec:
    """Find tasks and model, and settle what is asked; every fault is a UsageError or PrerequisiteError.

    `model` is a name, or the card of a model that is loaded already; `suite` None: the model's own. With an
    `annotation` of the SALMONN release the test sets are its own, whatever the suite; `annotation_task` says of which
    task its questions are.
    """
    card = model
    if isinstance(card, str):
        card = registry.resolve(card, model_arguments, dtype, folders=model_paths)
    chosen_suite: Suite = "paper" if annotation else one_of("--suite", suite or card.suite, Suite)
    catalogue = discover(task_paths)
    if annotation:
        catalogue = Catalogue(tuple(released_tasks(catalogue.tasks, annotation, annotation_task)))
    elif annotation_task:
        raise UsageError(f"--task {annotation_task} goes with --annotation FILE; tasks to ask are named with --tasks")
    wishes = Wishes(
        suite=chosen_suite,
        label=tasks.replace(",", "+").replace(":", "."),
        variants=variants,
        generation=dict(generation),
        limit=limit,
        sample_ids=sample_ids,
        seed=seed,
        data={corpus: str(Path(folder).expanduser().resolve()) for corpus, folder in data.items()},
        metrics=metrics,
        judge=judge,
        seen_prompts=_seen(seen_prompts, catalogue),
        skip_missing_data=skip_missing_data,
        allow_missing_metrics=allow_missing_metrics,
    )
    return specify(select(catalogue, [tasks], chosen_suite), _with_long_audio(card, long_audio), wishes)


def one_of(option: str, text: str, choices: Any) -> Any:
    """The text, if it is one of a Literal's choices; UsageError lists them."""
    known = get_args(choices)
    if text not in known:
        raise UsageError(f"{option} {text}: expected one of {', '.join(known)}")
    return text


def _with_long_audio(card: ModelCard, long_audio: str | None) -> ModelCard:
    if long_audio is None:
        return card
    policy = msgspec.structs.replace(card.audio, long_audio=one_of("--long-audio", long_audio, LongAudio))
    return msgspec.structs.replace(card, audio=policy)


def _seen(file: Path | None, catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    return load_seen_prompts(file, [task.spec for task in catalogue.tasks]).wordings if file else {}
