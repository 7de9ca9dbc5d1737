"""A task as a page to read: what is asked, of what, and how it is scored."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from salmonn_eval.tasks.spec import DatasetSpec, Located, MetricSpec, TaskSpec


def page(task: Located) -> str:
    """Markdown of one task, made from its definition alone."""
    return "\n".join(_lines(task.spec)).rstrip() + "\n"


def _lines(task: TaskSpec) -> Iterator[str]:
    group = "extra" if task.extra else f"level {task.level}"
    yield from (f"# {task.title} (`{task.id}`)", "", f"Group: {group}. Definition version {task.version}.", "")
    if task.note:
        yield from (task.note, "")
    yield from ("## What is asked", "", f"> {task.instruction}", "")
    if task.paraphrases:
        yield from ("Other wordings (`paraphrase-1` and so on):", "")
        yield from (f"{number}. {text}" for number, text in enumerate(task.paraphrases, start=1))
        yield ""
    yield from ("## How the answer is decoded and scored", "")
    yield f"- Language of the answer: {task.language or 'any'}"
    yield f"- Decoding: {_settings(task.generation)} (the embedded suites decode greedily)"
    yield f"- Metrics: {_metrics(task.metrics)}"
    yield f"- An answer follows the instruction by the rule `{task.following.rule}`{_inside(task.following.settings)}"
    yield f"- Score of one item, for the diagnostics: `{task.item_score}`"
    for label, spellings in task.labels.items():
        yield f"- Label `{label}`: {', '.join(spellings)}"
    yield from ("", "## Test sets", "")
    for name, dataset in task.datasets.items():
        yield from _dataset(f"{task.id}:{name}", dataset)


def _dataset(name: str, dataset: DatasetSpec) -> Iterator[str]:
    size = "size not fixed" if dataset.n_expected is None else f"{dataset.n_expected:,} items"
    items = f": {dataset.items}" if dataset.items else ""
    yield from (f"### `{name}`", "", f"- Suite `{dataset.suite}`, {size}{items}")
    if dataset.corpus:
        yield f"- Corpus: `--data {dataset.corpus}=DIR`"
    about: dict[str, str | None] = {
        "Instruction": dataset.instruction,
        "Configuration": dataset.config,
        "Split": dataset.split,
        "Language of the answer": dataset.language,
        "Fields": ", ".join(dataset.fields),
        "Resampled": dataset.cluster,
        "Broken down by": ", ".join(dataset.breakdown),
        "Metrics": _metrics(dataset.metrics or ()),
        "Rule": dataset.following.rule if dataset.following else None,
        "Decoding": _settings(dataset.generation),
        "Licence": dataset.licence,
        "Get it": dataset.get,
        "Not as in the paper": dataset.unavailable,
        "Note": dataset.note,
    }
    yield from (f"- {label}: {text}" for label, text in about.items() if text)
    yield ""


def _metrics(metrics: Iterable[MetricSpec]) -> str:
    return ", ".join(
        f"{'**' if metric.headline else ''}`{metric.name}`{'**' if metric.headline else ''}{_inside(metric.settings)}"
        for metric in metrics
    )


def _inside(settings: Mapping[str, Any]) -> str:
    return f" ({_settings(settings)})" if settings else ""


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
