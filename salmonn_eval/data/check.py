"""Checks of a task's data before anything is run: audio, count, ids, and what templates ask of every sample."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from salmonn_eval.data.annotated import Item, absent_file
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, SalmonnEvalError, UsageError
from salmonn_eval.tasks.findings import Finding
from salmonn_eval.tasks.prompts import prompt_sets, render, variables
from salmonn_eval.tasks.spec import ITEM_CLUSTERS, DatasetSpec, Located

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?P<message>.*)", re.DOTALL)


def check_dataset(task: Located, dataset_id: str, dataset: DatasetSpec, data_dirs: Mapping[str, Path]) -> list[Finding]:
    """Everything wrong with one test set, at the line of its annotation.

    Missing audio, repeated ids, template variables and declared fields that a sample lacks, fields that break an
    instruction, another count than `n_expected`. What a user's copy of a corpus lacks, a corpus that is not at hand,
    or clusters that the definition names and no item has, are one note each.
    """
    return list(_findings(task, f"{task.spec.id}:{dataset_id}", dataset, data_dirs))


def _findings(task: Located, name: str, dataset: DatasetSpec, data_dirs: Mapping[str, Path]) -> Iterator[Finding]:
    seen: dict[str, Item] = {}
    count = absent = clustered = 0
    remarks: tuple[str, ...] = ()
    try:
        wordings = _wordings(task, dataset)
        needed = _needed(dataset, wordings)
        source = open_source(dataset, Path(task.root), data_dirs)
        for item in source.items():
            count += 1
            clustered += bool(item.sample.cluster)
            yield from _item_findings(item, seen.setdefault(item.sample.id, item), needed)
            yield from _unrendered(item, wordings)
            missing = absent_file(item.sample)
            absent += missing is not None
            if missing is not None and dataset.corpus is None:
                yield Finding(item.file, item.line, f"{item.sample.id}: no such audio file: {missing}")
        remarks = source.remarks()
    except PrerequisiteError as fault:
        bundled = dataset.source == "manifest" and dataset.corpus is None
        yield Finding(task.file, None, f"{name}: {fault}", "error" if bundled else "note")
        return
    except UsageError as fault:
        yield _placed(task, name, fault)
        return
    yield from (Finding(task.file, None, f"{name}: {remark}", "note") for remark in remarks)
    if absent and dataset.corpus is not None:
        yield Finding(task.file, None, f"{name}: audio of {absent} of {count} items is not on disk", "note")
    if count and not clustered and dataset.cluster not in ITEM_CLUSTERS:
        why = f"{name}: the cluster is `{dataset.cluster}`, but no item has one; items will be resampled instead"
        yield Finding(task.file, None, why, "note")
    if dataset.n_expected not in (None, count):
        what = dataset.path or dataset.corpus or dataset.source
        yield Finding(task.file, None, f"{name}: {what} holds {count} samples; n_expected is {dataset.n_expected}")


class _Wording(Struct, frozen=True):
    """An instruction of one prompt set and the fields it asks for."""

    prompt_set: str
    template: str
    fields: frozenset[str]


def _wordings(task: Located, dataset: DatasetSpec) -> list[_Wording]:
    sets = prompt_sets(task.spec, dataset)
    return [_Wording(name, template, variables(template)) for name, template in sets.items()]


def _needed(dataset: DatasetSpec, wordings: Sequence[_Wording]) -> Mapping[str, str]:
    """Field name to who asks for it: the instruction, its paraphrases, the definition's own `fields`."""
    asked = {name: "the dataset's `fields` declare" for name in dataset.fields}
    for wording in wordings:
        asked |= {name: f"the template of prompt set `{wording.prompt_set}` asks for" for name in wording.fields}
    return asked


def _item_findings(item: Item, first: Item, needed: Mapping[str, str]) -> Iterator[Finding]:
    sample = item.sample
    if first is not item:
        yield Finding(item.file, item.line, f"id {sample.id!r} stands already in {first.file}:{first.line}")
    for name, who in needed.items():
        if name not in sample.fields:
            yield Finding(item.file, item.line, f"{sample.id}: no field {name!r}, which {who}")


def _unrendered(item: Item, wordings: Sequence[_Wording]) -> Iterator[Finding]:
    """The first wording that a field of the item breaks; fields that are lacking are told apart."""
    fields = item.sample.fields
    for wording in wordings:
        if wording.fields and wording.fields <= fields.keys():
            try:
                render(wording.template, fields)
            except UsageError as fault:
                yield Finding(item.file, item.line, f"{item.sample.id}: prompt set `{wording.prompt_set}`: {fault}")
                return


def _placed(task: Located, name: str, fault: SalmonnEvalError) -> Finding:
    """A fault as a finding, at the line that its sentence begins with."""
    found = _PLACED.match(str(fault))
    if found is None:
        return Finding(task.file, None, f"{name}: {fault}")
    return Finding(found["file"], int(found["line"]), f"{name}: {found['message']}")
