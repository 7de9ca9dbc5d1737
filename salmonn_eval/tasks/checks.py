"""The static checks of one readable definition: each yields the keys to blame and a sentence."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Generation
from salmonn_eval.tasks.prompts import variables
from salmonn_eval.tasks.spec import FollowingSpec, MetricSpec, TaskSpec

Keys = tuple[str | int, ...]
Fault = tuple[Keys, str]
FaultOf = Callable[[str, Mapping[str, Any]], str | None]

_NEED_LABELS = frozenset(
    {"one_label", "yes_no", "accuracy", "unweighted_accuracy", "balanced_accuracy", "yes_rate", "eer"}
)


class Known(Struct, frozen=True):
    """What a definition may name: the scorers' own tables, handed in because tasks know no scorer.

    `metrics` maps each metric id to None, or to the sentence why it cannot be computed here. `metric_fault` and
    `rule_fault` tell in one sentence what is wrong with a metric or a following rule and its settings, or None.
    """

    metrics: Mapping[str, str | None]
    metric_fault: FaultOf
    rule_fault: FaultOf


def faults(task: TaskSpec, known: Known) -> Iterator[Fault]:
    """Everything that is wrong with a definition taken alone."""
    yield from _generation(task)
    yield from _metrics(task, known)
    yield from _rules(task, known)
    yield from _labels(task)
    yield from _templates(task)
    yield from _datasets(task)


def all_metrics(task: TaskSpec) -> Iterator[tuple[Keys, MetricSpec]]:
    """Each metric of the task and of its datasets, with the keys that lead to it."""
    for keys, metrics in _metric_lists(task):
        yield from (((*keys, place), metric) for place, metric in enumerate(metrics))


def _generation(task: TaskSpec) -> Iterator[Fault]:
    if "max_new_tokens" not in task.generation:
        yield ("generation",), "the cap `max_new_tokens` is missing; add it, e.g. `generation: {max_new_tokens: 200}`"
    places: list[tuple[Keys, dict[str, Any]]] = [(("generation",), task.generation)]
    places += [(("datasets", name, "generation"), dataset.generation) for name, dataset in task.datasets.items()]
    types = {field.name: field.type for field in msgspec.structs.fields(Generation)}
    for keys, settings in places:
        for name, value in settings.items():
            if name not in types:
                yield (*keys, name), f"unknown generation setting `{name}`; expected one of: {', '.join(types)}"
                continue
            try:
                msgspec.convert(value, types[name])
            except msgspec.ValidationError as error:
                yield (*keys, name), f"the generation setting `{name}` is {value!r}: {error}"


def _metrics(task: TaskSpec, known: Known) -> Iterator[Fault]:
    for keys, metrics in _metric_lists(task):
        if not any(metric.headline for metric in metrics):
            yield keys, "no metric is the headline; mark one with `headline: true`"
    for keys, metric in all_metrics(task):
        if metric.name not in known.metrics:
            yield keys, f"unknown metric `{metric.name}`; expected one of: {', '.join(sorted(known.metrics))}"
        elif known.metrics[metric.name] is None and (fault := known.metric_fault(metric.name, metric.settings)):
            yield keys, fault


def _rules(task: TaskSpec, known: Known) -> Iterator[Fault]:
    for keys, following in _followings(task):
        if fault := known.rule_fault(following.rule, following.settings):
            yield (*keys, "rule"), fault


def _labels(task: TaskSpec) -> Iterator[Fault]:
    users = {metric.name for _, metric in all_metrics(task)} | {following.rule for _, following in _followings(task)}
    needy = sorted(users & _NEED_LABELS)
    if needy and not task.labels:
        yield (), f"`labels` is missing: {', '.join(needy)} cannot decide without each label and its spellings; add it"


def _templates(task: TaskSpec) -> Iterator[Fault]:
    templates: list[tuple[Keys, str, Collection[str]]] = [(("instruction",), task.instruction, task.datasets)]
    templates += [(("paraphrases", place), text, task.datasets) for place, text in enumerate(task.paraphrases)]
    templates += [
        (("datasets", name, "instruction"), dataset.instruction, [name])
        for name, dataset in task.datasets.items()
        if dataset.instruction is not None
    ]
    seen: set[str] = set()
    for keys, template, datasets in templates:
        if template.strip() in seen:
            yield keys, "this wording stands twice; change or remove one"
        seen.add(template.strip())
        try:
            needed = variables(template)
        except UsageError as error:
            yield keys, str(error)
            continue
        for name in datasets:
            if absent := sorted(needed - set(task.datasets[name].fields)):
                what = ", ".join(f"`{field}`" for field in absent)
                yield keys, f"no field of dataset `{name}` supplies {what}; name it in that dataset's `fields`"


def _datasets(task: TaskSpec) -> Iterator[Fault]:
    if not task.datasets:
        yield ("datasets",), "the task has no dataset; add one"
    for name, dataset in task.datasets.items():
        if dataset.source == "manifest" and dataset.path is None:
            yield ("datasets", name), f"dataset `{name}` is a manifest without `path`; say where the JSONL file lies"


def _metric_lists(task: TaskSpec) -> Iterator[tuple[Keys, tuple[MetricSpec, ...]]]:
    yield ("metrics",), task.metrics
    for name, dataset in task.datasets.items():
        if dataset.metrics is not None:
            yield ("datasets", name, "metrics"), dataset.metrics


def _followings(task: TaskSpec) -> Iterator[tuple[Keys, FollowingSpec]]:
    yield ("following",), task.following
    for name, dataset in task.datasets.items():
        if dataset.following is not None:
            yield ("datasets", name, "following"), dataset.following
