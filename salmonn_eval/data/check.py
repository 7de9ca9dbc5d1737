"""Checks of a task's data before anything is run: audio, count, ids, and what templates ask of every sample."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from salmonn_eval.data.annotated import Item, absent_file
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, SalmonnEvalError, UsageError
from salmonn_eval.tasks.findings import Finding
from salmonn_eval.tasks.prompts import prompt_sets, variables
from salmonn_eval.tasks.spec import DatasetSpec, Located

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?P<message>.*)", re.DOTALL)


def check_dataset(task: Located, dataset_id: str, dataset: DatasetSpec, data_dirs: Mapping[str, Path]) -> list[Finding]:
    """Everything wrong with one test set, at the line of its annotation.

    Missing audio, repeated ids, template variables and declared fields that a sample lacks, another count than
    `n_expected`. What a user's copy of a corpus lacks, or a corpus that is not at hand, is one note.
    """
    return list(_findings(task, f"{task.spec.id}:{dataset_id}", dataset, data_dirs))


def _findings(task: Located, name: str, dataset: DatasetSpec, data_dirs: Mapping[str, Path]) -> Iterator[Finding]:
    seen: dict[str, Item] = {}
    count = absent = 0
    try:
        needed = _needed(task, dataset)
        for item in open_source(dataset, Path(task.root), data_dirs).items():
            count += 1
            yield from _item_findings(item, seen.setdefault(item.sample.id, item), needed)
            missing = absent_file(item.sample)
            absent += missing is not None
            if missing is not None and dataset.corpus is None:
                yield Finding(item.file, item.line, f"{item.sample.id}: no such audio file: {missing}")
    except PrerequisiteError as fault:
        bundled = dataset.source == "manifest" and dataset.corpus is None
        yield Finding(task.file, None, f"{name}: {fault}", "error" if bundled else "note")
        return
    except UsageError as fault:
        yield _placed(task, name, fault)
        return
    if absent and dataset.corpus is not None:
        yield Finding(task.file, None, f"{name}: audio of {absent} of {count} items is not on disk", "note")
    if dataset.n_expected not in (None, count):
        what = dataset.path or dataset.corpus or dataset.source
        yield Finding(task.file, None, f"{name}: {what} holds {count} samples; n_expected is {dataset.n_expected}")


def _needed(task: Located, dataset: DatasetSpec) -> Mapping[str, str]:
    """Field name to who asks for it: the instruction, its paraphrases, the definition's own `fields`."""
    asked = {name: "the dataset's `fields` declare" for name in dataset.fields}
    for prompt_set, template in prompt_sets(task.spec, dataset).items():
        asked |= {name: f"the template of prompt set `{prompt_set}` asks for" for name in variables(template)}
    return asked


def _item_findings(item: Item, first: Item, needed: Mapping[str, str]) -> Iterator[Finding]:
    sample = item.sample
    if first is not item:
        yield Finding(item.file, item.line, f"id {sample.id!r} stands already in {first.file}:{first.line}")
    for name, who in needed.items():
        if name not in sample.fields:
            yield Finding(item.file, item.line, f"{sample.id}: no field {name!r}, which {who}")


def _placed(task: Located, name: str, fault: SalmonnEvalError) -> Finding:
    """A fault as a finding, at the line that its sentence begins with."""
    found = _PLACED.match(str(fault))
    if found is None:
        return Finding(task.file, None, f"{name}: {fault}")
    return Finding(found["file"], int(found["line"]), f"{name}: {found['message']}")
