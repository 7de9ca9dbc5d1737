"""Static validation of task definitions: every fault with its file and line."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from salmonn_eval import yamlfile
from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.checks import Known, all_metrics, faults
from salmonn_eval.tasks.discover import TaskFile, find_files, load_task
from salmonn_eval.tasks.findings import Finding
from salmonn_eval.tasks.spec import Located


def check_places(places: Iterable[Path], known: Known) -> tuple[list[Located], list[Finding]]:
    """Check every definition in folders or files, and that no two share an id; the readable tasks come back too.

    Raises UsageError only for a place that does not exist or holds no definition.
    """
    tasks: list[Located] = []
    findings: list[Finding] = []
    for found in find_files(places):
        try:
            task = load_task(found)
        except UsageError as error:
            findings += _unreadable(found, error)
            continue
        findings += [*check(task, known), *_duplicates(task, tasks)]
        tasks.append(task)
    return tasks, findings


def check(task: Located, known: Known) -> list[Finding]:
    """Check one readable definition; a metric that is known but not available is a note, everything else an error."""
    document = yamlfile.read(Path(task.file))
    errors = [Finding(task.file, document.line_of(keys), message) for keys, message in faults(task.spec, known)]
    notes = [
        Finding(task.file, document.line_of(keys), reason, "note")
        for keys, metric in all_metrics(task.spec)
        if (reason := known.metrics.get(metric.name))
    ]
    return [*errors, *notes]


def _unreadable(found: TaskFile, error: UsageError) -> Iterator[Finding]:
    if isinstance(error, yamlfile.YamlError):
        yield from (Finding(str(found.file), fault.line, fault.message) for fault in error.faults)
    else:
        yield Finding(str(found.file), None, str(error).removeprefix(f"{found.file}: "))


def _duplicates(task: Located, others: Sequence[Located]) -> Iterator[Finding]:
    for other in others:
        if other.spec.id == task.spec.id:
            line = yamlfile.line_of(Path(task.file), ("id",))
            yield Finding(task.file, line, f"the task id `{task.spec.id}` is taken by {other.file}; rename one of them")
