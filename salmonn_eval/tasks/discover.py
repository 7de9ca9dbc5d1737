"""Where tasks come from: the bundled folder, a user's own folders, and installed packages."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.bundled import bundled
from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.names import id_fault
from salmonn_eval.tasks.spec import Located, TaskSpec
from salmonn_eval.tasks.suites import SUITES_FILE

ENTRY_POINTS = "salmonn_eval.tasks"


class TaskFile(Struct, frozen=True):
    """A task definition not yet read; its relative dataset paths start at `root`."""

    file: Path
    root: Path


class Catalogue(Struct, frozen=True):
    """Every task that can be named, in a stable order: by level, the extra ones last, then by id."""

    tasks: tuple[Located, ...]


def discover(task_paths: Sequence[Path] = ()) -> Catalogue:
    """Read the bundled tasks, those of installed packages and those below `task_paths` (folders or single files).

    Raises UsageError with file and line for a broken definition, and naming both files where two share an id.
    """
    return catalogue([load_task(found) for found in find_files([*installed_folders(), *task_paths])])


def catalogue(tasks: Iterable[Located]) -> Catalogue:
    """Put tasks in order; UsageError if two share an id."""
    by_id: dict[str, Located] = {}
    for task in tasks:
        other = by_id.setdefault(task.spec.id, task)
        if other is not task:
            raise UsageError(f"{task.file}: the task id `{task.spec.id}` is taken by {other.file}; rename one of them")
    return Catalogue(tuple(sorted(by_id.values(), key=lambda task: (task.spec.extra, task.spec.level, task.spec.id))))


def load_task(found: TaskFile) -> Located:
    """Read one definition; UsageError with file and line of all that does not fit the schema or cannot be an id.

    Ids become file names, so one such as `../x` must not get further than this.
    """
    document = yamlfile.read(found.file)
    spec = yamlfile.convert(document, TaskSpec)
    named = [(("id",), spec.id), *((("datasets", name), name) for name in spec.datasets)]
    faults = [yamlfile.Fault(document.line_of(keys), fault) for keys, name in named if (fault := id_fault(name))]
    if faults:
        raise yamlfile.YamlError(found.file, faults)
    return Located(spec, str(found.file), str(found.root))


def installed_folders() -> Iterator[Path]:
    """The bundled folder, then those of installed packages: an entry point is a folder or a function returning one."""
    yield bundled("tasks")
    for entry in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            target = entry.load()
        except (ImportError, AttributeError) as fault:
            raise UsageError(
                f"entry point `{entry.name}` of `{ENTRY_POINTS}`: `{entry.value}` cannot be loaded ({fault}); "
                "update or uninstall the package that declares it"
            ) from fault
        folder = target() if callable(target) else target
        if not isinstance(folder, str | Path):
            raise UsageError(
                f"entry point `{entry.name}` of `{ENTRY_POINTS}`: `{entry.value}` gives {type(folder).__name__}; "
                "expected the path of a folder of task definitions"
            )
        yield Path(folder)


def find_files(places: Iterable[Path]) -> Iterator[TaskFile]:
    """The `*.yaml` and `*.yml` below each folder, or the file itself, each once; UsageError where there is none."""
    seen: set[Path] = set()
    for place in places:
        if not place.exists():
            raise UsageError(f"{place}: no such file or folder; expected a task definition or a folder of them")
        found = list(_below(place))
        if not found:
            raise UsageError(f"{place}: holds no task definition (*.yaml); write one with `salmonn-eval new task ID`")
        for item in found:
            resolved = item.file.resolve()
            if resolved not in seen:
                seen.add(resolved)
                yield item


def _below(place: Path) -> Iterator[TaskFile]:
    if place.is_file():
        yield TaskFile(place, place.parent)
        return
    for file in sorted(place.rglob("*")):
        if file.suffix in {".yaml", ".yml"} and file.name != SUITES_FILE:
            yield TaskFile(file, place)
