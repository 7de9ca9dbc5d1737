"""An annotation file of the SALMONN release as a test set of every task that it holds entries of, unconverted."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from salmonn_eval.data.salmonn_json import Annotation
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.tasks.prompts import variables
from salmonn_eval.tasks.spec import DatasetSpec, Located, TaskSpec

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


def released_tasks(tasks: Sequence[Located], file: Path, chosen: str | None) -> list[Located]:
    """The tasks whose `release_key` stands in the file, each with the file as its only test set (suite paper).

    The test set is called as the file. `chosen` is the task (`--task`) that entries belong to whose key several tasks
    share: question answering is one key for speech, sounds and music. Raises UsageError where that is left open, and
    for a file in which no entry belongs to a task.
    """
    entries = read_whole(file, Annotation, what="SALMONN annotation").annotation
    counts = Counter(entry.task for entry in entries)
    name = _NOT_IN_IDS.sub("-", file.stem.lower()).strip("-") or "annotation"
    found = [_with_set(task, file, name, counts) for task in _belonging(tasks, counts, chosen, file)]
    if not found:
        keys = ", ".join(sorted(counts)) or "nothing"
        raise UsageError(
            f"{file}: no entry belongs to a task (its keys: {keys}); expected names such as asr, audiocaption"
        )
    return found


def _belonging(
    tasks: Iterable[Located], counts: Mapping[str, int], chosen: str | None, file: Path
) -> Iterator[Located]:
    sharing: dict[str, list[Located]] = {}
    for task in tasks:
        if task.spec.release_key in counts:
            sharing.setdefault(task.spec.release_key or "", []).append(task)
    for key, claimants in sharing.items():
        ids = [task.spec.id for task in claimants]
        if len(claimants) > 1 and chosen not in ids:
            raise UsageError(
                f"{file}: its {counts[key]} entries {key!r} may be of {', '.join(ids)}; "
                "expected --task with one of them"
            )
        yield from (task for task in claimants if len(claimants) == 1 or task.spec.id == chosen)


def _with_set(task: Located, file: Path, name: str, counts: Mapping[str, int]) -> Located:
    spec = task.spec
    dataset = DatasetSpec(
        suite="paper",
        source="salmonn",
        cluster="item",
        path=file.name,
        config=spec.release_key,
        columns=_columns(spec),
        n_expected=counts[spec.release_key or ""],
        fields=tuple(sorted(variables(spec.instruction))),
    )
    return Located(msgspec.structs.replace(spec, datasets={name: dataset}), task.file, str(file.absolute().parent))


def _columns(spec: TaskSpec) -> dict[str, str]:
    """What the file's `text` and `Q` are to a task: its labels where it has them, else references."""
    role = "label" if spec.labels else "text" if spec.release_key == "asr" else "reference"
    return {role: "text", **dict.fromkeys(sorted(variables(spec.instruction)), "Q")}
