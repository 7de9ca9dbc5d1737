"""From a selection of test sets and a model to a run's specification, with everything that is missing named at once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.data.sources import open_source
from salmonn_eval.engine.judging import check_judge
from salmonn_eval.engine.lacking import lacking
from salmonn_eval.engine.spec import JudgeSettings, NotAsked, Question, RunSpec
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Variant
from salmonn_eval.tasks.selection import NotInSuite, Selected, Selection
from salmonn_eval.tasks.spec import MetricSpec, Suite


class Wishes(Struct, frozen=True):
    """What the caller wants of a run beyond which tasks and which model; see `RunSpec` for the shared fields."""

    suite: Suite
    label: str
    variants: tuple[Variant, ...] = (Variant(),)
    generation: dict[str, Any] = {}
    limit: int | None = None
    sample_ids: tuple[str, ...] = ()
    seed: int = 0
    data: dict[str, str] = {}
    metrics: tuple[MetricSpec, ...] = ()
    seen_prompts: dict[str, tuple[str, ...]] = {}
    judge: JudgeSettings | None = None
    skip_missing_data: bool = False
    allow_missing_metrics: bool = False


def specify(selection: Selection, card: ModelCard, wishes: Wishes) -> RunSpec:
    """Settle what is asked.

    A task reached through a group that the model or the suite lacks becomes `not applicable`. Raises PrerequisiteError,
    naming all of them, for tasks named singly that cannot be asked, corpora that are not at hand (unless
    `skip_missing_data`), and headline metrics of paper test sets that are not available (unless
    `allow_missing_metrics`).
    """
    check_judge(card, wishes.judge)
    outside = list(_outside(selection.not_in_suite, card, wishes))
    inside = [chosen for chosen in selection.selected if _answers(card, chosen)]
    outside += [
        NotAsked(chosen.task.spec.id, chosen.dataset_id, _headlines(chosen), "not applicable", _why_not(card))
        for chosen in selection.selected
        if not _answers(card, chosen) and _by_group(chosen.by_group, chosen.task.spec.id, _why_not(card))
    ]
    questions, missing = _at_hand(inside, {corpus: Path(path) for corpus, path in wishes.data.items()})
    if missing and not wishes.skip_missing_data:
        raise PrerequisiteError("\n".join(entry.why for entry in missing))
    if not wishes.allow_missing_metrics:
        _require_metrics(questions, lacking(card, wishes.judge))
    return RunSpec(
        label=wishes.label,
        card=card,
        questions=tuple(questions),
        not_asked=(*outside, *missing),
        variants=_settled(wishes, card),
        generation=wishes.generation,
        limit=wishes.limit,
        sample_ids=wishes.sample_ids,
        seed=wishes.seed,
        data=wishes.data,
        metrics=wishes.metrics,
        seen_prompts=wishes.seen_prompts,
        judge=wishes.judge,
    )


def question_of(chosen: Selected, source: str) -> Question:
    """A self-contained question: the task with nothing but the chosen test set."""
    task = msgspec.structs.replace(chosen.task.spec, datasets={chosen.dataset_id: chosen.dataset})
    return Question(task, chosen.dataset_id, chosen.task.root, source)


def _outside(absent: Sequence[NotInSuite], card: ModelCard, wishes: Wishes) -> Iterator[NotAsked]:
    for entry in absent:
        why = f"suite {entry.suite} has no test set for it"
        if _by_group(entry.by_group, entry.task.spec.id, why):
            yield NotAsked(entry.task.spec.id, wishes.suite, _headline(entry.task.spec.metrics), "not applicable", why)


def _by_group(by_group: bool, task_id: str, why: str) -> bool:
    """True for a task that only a group named; PrerequisiteError for one named singly."""
    if not by_group:
        raise PrerequisiteError(f"task {task_id} cannot be asked: {why}; choose another with --model or --suite")
    return True


def _answers(card: ModelCard, chosen: Selected) -> bool:
    return card.tasks is None or chosen.task.spec.id in card.tasks


def _why_not(card: ModelCard) -> str:
    return f"model {card.name} answers only {', '.join(card.tasks or ())}"


def _headlines(chosen: Selected) -> tuple[MetricSpec, ...]:
    metrics = chosen.task.spec.metrics if chosen.dataset.metrics is None else chosen.dataset.metrics
    return _headline(metrics)


def _headline(metrics: Sequence[MetricSpec]) -> tuple[MetricSpec, ...]:
    return tuple(metric for metric in metrics if metric.headline)


def _at_hand(chosen: Sequence[Selected], data: Mapping[str, Path]) -> tuple[list[Question], list[NotAsked]]:
    """Questions whose data is there, and the others with the reason."""
    questions, missing = [], []
    for one in chosen:
        try:
            source = open_source(one.dataset, Path(one.task.root), data)
            next(source.samples(), None)  # says at once when not one audio file is there
            question = question_of(one, source.fingerprint())
            questions.append(msgspec.structs.replace(question, protocol=source.protocol))
        except PrerequisiteError as fault:
            why = f"{one.task.spec.id}:{one.dataset_id}: {fault}"
            missing.append(NotAsked(one.task.spec.id, one.dataset_id, _headlines(one), "missing", why))
    return questions, missing


def _require_metrics(questions: Sequence[Question], lacks: Mapping[str, str | None]) -> None:
    wanting = [
        f"{question.task.id}:{question.dataset_id}: {lacks[metric.name]}"
        for question in questions
        if question.dataset.suite == "paper"
        for metric in question.metrics
        if metric.headline and lacks.get(metric.name)
    ]
    if wanting:
        raise PrerequisiteError(
            "\n".join([*wanting, "--allow-missing-metrics runs all the same and lists them as missing"])
        )


def _settled(wishes: Wishes, card: ModelCard) -> tuple[Variant, ...]:
    """Variants with nothing open: the default LoRA scale as its number, and no seed where nothing is drawn.

    So naming a default changes no key, and what comes to the same is asked once. Raises UsageError for a scale where
    there is no adapter, and for text where none is read.
    """
    sampled = bool({**card.generation, **wishes.generation}.get("do_sample"))
    found: dict[Variant, None] = {}
    for variant in wishes.variants:
        if variant.lora_scale is not None and card.capabilities.lora_scale == "none":
            raise UsageError(
                f"--lora-scale {variant.lora_scale:g}: model `{card.name}` has no adapter; drop the option"
            )
        if variant.condition == "text" and not card.capabilities.text:
            raise UsageError(
                f"--condition text: model `{card.name}` cannot read text in place of audio (its card does not say "
                "`capabilities: {text: true}`); drop it"
            )
        scale = card.default_lora_scale if variant.lora_scale is None else variant.lora_scale
        drawn = sampled or variant.condition in ("noise", "swapped")
        found[msgspec.structs.replace(variant, lora_scale=scale, seed=variant.seed if drawn else 0)] = None
    return tuple(found)
