"""What `--tasks` means: groups, tasks and single datasets become a list of datasets to run."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.names import GROUPS
from salmonn_eval.tasks.spec import DatasetSpec, Located, Suite


class Selected(Struct, frozen=True):
    """One dataset to run; `by_group` tells that nobody named its task singly."""

    task: Located
    dataset_id: str
    dataset: DatasetSpec
    by_group: bool


class NotInSuite(Struct, frozen=True):
    """A task that was asked for and has no dataset in the suite."""

    task: Located
    suite: Suite
    by_group: bool


class Selection(Struct, frozen=True):
    """Datasets in the catalogue's order, each once, and the tasks that have none."""

    selected: tuple[Selected, ...]
    not_in_suite: tuple[NotInSuite, ...] = ()


def select(catalogue: Catalogue, names: Iterable[str], suite: Suite) -> Selection:
    """Resolve names such as `level1`, `asr`, `asr:librispeech-test-clean` or comma lists of them.

    A group or a task means its datasets of `suite`; a dataset named singly is meant whatever its suite. Raises
    UsageError for an unknown name, with the nearest known ones, and for an empty list.
    """
    wanted = [name.strip() for part in names for name in part.split(",") if name.strip()]
    if not wanted:
        raise UsageError(f"no task is named; expected one of {', '.join(GROUPS)}, a task or a dataset (`asr:DATASET`)")
    by_group: dict[tuple[str, str | None], bool] = {}
    for name in wanted:
        for key in _named(catalogue, name, suite):
            by_group[key] = by_group.get(key, True) and name in GROUPS
    selected: list[Selected] = []
    absent: list[NotInSuite] = []
    for task in catalogue.tasks:
        for dataset_id, dataset in task.spec.datasets.items():
            if (task.spec.id, dataset_id) in by_group:
                selected.append(Selected(task, dataset_id, dataset, by_group[task.spec.id, dataset_id]))
        if (task.spec.id, None) in by_group:
            absent.append(NotInSuite(task, suite, by_group[task.spec.id, None]))
    return Selection(tuple(selected), tuple(absent))


def find_task(catalogue: Catalogue, task_id: str) -> Located:
    """The task of that id; UsageError with the nearest known ids."""
    return _find(catalogue, task_id, "task", [])


def _named(catalogue: Catalogue, name: str, suite: Suite) -> Iterator[tuple[str, str | None]]:
    """(task id, dataset id) of one name; None stands for the dataset that a task lacks in the suite."""
    task_id, colon, dataset_id = name.partition(":")
    if colon:
        datasets = find_task(catalogue, task_id).spec.datasets
        if dataset_id not in datasets:
            raise UsageError(f"task `{task_id}` has no dataset `{dataset_id}`; {_known(list(datasets), dataset_id)}")
        yield task_id, dataset_id
        return
    if name in GROUPS:
        members = [task for task in catalogue.tasks if GROUPS[name](task.spec)]
    else:
        members = [_find(catalogue, name, "task or group", list(GROUPS))]
    for task in members:
        in_suite = [dataset_id for dataset_id, dataset in task.spec.datasets.items() if dataset.suite == suite]
        yield from ((task.spec.id, dataset_id) for dataset_id in in_suite)
        if not in_suite:
            yield task.spec.id, None


def _find(catalogue: Catalogue, name: str, what: str, others: list[str]) -> Located:
    for task in catalogue.tasks:
        if task.spec.id == name:
            return task
    names = [*others, *(task.spec.id for task in catalogue.tasks)]
    raise UsageError(f"there is no {what} `{name}`; {_known(names, name)}")


def _known(names: Sequence[str], wrong: str) -> str:
    """The nearest names as a question, or all of them."""
    near = get_close_matches(wrong, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(f'`{name}`' for name in near)}?"
    return f"expected one of: {', '.join(names)}"
