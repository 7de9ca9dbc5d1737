"""The leaderboard: committed result files and published numbers, ranked so that overlapping intervals share a rank."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue
from salmonn_eval.report import load
from salmonn_eval.report.cells import UNIT_MARK, number, variant_name
from salmonn_eval.report.doubts import coverage, mixing
from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.listing import escape, markdown
from salmonn_eval.report.order import METRIC_NAMES, PAPER_NAMES, task_place
from salmonn_eval.report.published import Published, read_columns, read_published
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.spec import Suite

BOARDS: Mapping[Suite, tuple[str, str]] = {
    "paper": ("Paper test sets", "The corpora themselves. Published numbers are as their sources print them."),
    "mini-real": ("mini-real (real recordings, embedded)", "Few speakers: intervals are wide."),
    "mini": ("mini (synthetic)", "Synthetic speech and sounds: nothing here says anything about real audio."),
}


class Entry(Struct, frozen=True):
    """One system's value on one table of the board; `source` says where it is from, `weak` that one source says so."""

    system: str
    value: MetricValue
    source: str
    weak: bool = False


def read_entries(folder: Path) -> list[Entry]:
    """The entries of a folder of result files, by file name; UsageError where one cannot be read."""
    found: list[Entry] = []
    for path in sorted(folder.glob("*.json")):
        values = load.results(path)
        found += [Entry(name, value, f"scored here ({path.name})") for name, value in _named(values)]
    return found


def _named(values: Sequence[MetricValue]) -> Iterator[tuple[str, MetricValue]]:
    """Headline values under their system's name, with the variant where a file holds several."""
    variants = {value.variant for value in values}
    for value in values:
        if value.headline and value.reading == "all" and value.group is None and value.value is not None:
            variant = variant_name(value.variant) if len(variants) > 1 else ""
            yield f"{value.model} ({variant})" if variant else value.model, value


def published_entries(folder: Path | None = None) -> list[Entry]:
    """The published numbers that stand on the board."""
    systems = read_columns(folder).board
    rows = [row for row in read_published(folder) if row.value.model in systems]
    return [Entry(row.value.model, row.value, _source(row), row.weak) for row in rows]


def _source(row: Published) -> str:
    count = len(row.sources)
    told = f"published; {count} {'source' if count == 1 else 'sources'}"
    return "; ".join([told, *([row.attested] if row.attested != "quoted in the source" else [])])


def leaderboard(entries: Sequence[Entry]) -> str:
    """The page: a board a suite, a table a test set and headline metric.

    Raises:
        UsageError: a value is of a test set that no task has, systems of one table were scored or asked differently,
            or a system stands twice in it.
    """
    suites = {
        (task.spec.id, name): dataset.suite for task in discover().tasks for name, dataset in task.spec.datasets.items()
    }
    tables: dict[Suite, dict[tuple[str, str, str], list[Entry]]] = {suite: {} for suite in BOARDS}
    for entry in entries:
        value = entry.value
        if (value.task, value.dataset) not in suites:
            raise UsageError(f"{entry.source}: {value.task}:{value.dataset} is a test set of no bundled task")
        board = tables[suites[value.task, value.dataset]]
        board.setdefault((value.task, value.dataset, value.metric), []).append(entry)
    out = [_HEAD]
    for suite, (title, about) in BOARDS.items():
        out += [f"## {title}", "", about, ""]
        for key in sorted(tables[suite], key=lambda key: task_place(key[0])):
            out += list(_table(tables[suite][key]))
        out += [] if tables[suite] else ["No results yet.", ""]
    return "\n".join(out).rstrip() + "\n"


_HEAD = """\
# Leaderboard

Made by `salmonn-eval leaderboard` from the result files in `board/` and the numbers in `published/`; do not edit.

Rank: 1 + the number of rivals whose 95 % interval lies wholly above, so systems that cannot be told apart share a rank.
A number published without an interval has no rank, for nobody knows what it can be told apart from; as a rival it is a
point. weak: one source only, or implausible.
"""


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    first = next((e.value for e in entries if e.value.signature != UNKNOWN), entries[0].value)
    names = [entry.system for entry in entries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"{first.task}:{first.dataset} {first.metric}: {twice} stands twice; keep one file of it")
    arrow = "↓" if first.better == "lower" else "↑"
    metric = f"{METRIC_NAMES.get(first.metric, first.metric)}{UNIT_MARK[first.unit]} {arrow}"
    yield f"### {escape(PAPER_NAMES.get(first.task, first.task))} · {escape(first.dataset)} · {escape(metric)}"
    yield ""
    placed = ranks(entries)
    sign = 1.0 if first.better == "lower" else -1.0
    order = sorted(range(len(entries)), key=lambda i: (sign * (entries[i].value.value or 0.0), names[i]))
    yield markdown(
        ("rank", "system", "value", "95 % interval", "n", "source"),
        [_row(placed[index], entries[index], first) for index in order],
        n_left=2,
    )
    yield ""
    if first.signature != UNKNOWN:
        yield f"Scored here: `{first.signature}`"
        yield ""


def _row(rank: int | None, entry: Entry, first: MetricValue) -> tuple[str, ...]:
    value = entry.value
    doubts = [note for note in mixing(value, first, mixed=False) if not entry.source.startswith("published")]
    doubts += coverage(value)
    shown = number(value.value or 0.0, value.unit)
    interval = ABSENT
    if value.ci is not None:
        interval = f"[{number(value.ci.low, value.unit)}, {number(value.ci.high, value.unit)}]"
    return (
        ABSENT if rank is None else str(rank),
        entry.system,
        f"{shown} (weak)" if entry.weak else shown,
        interval,
        str(value.n_scored) if value.n_planned else ABSENT,
        "; ".join([entry.source, *doubts]),
    )


def ranks(entries: Sequence[Entry]) -> list[int | None]:
    """1 + the number of rivals whose interval lies wholly above (is wholly better), in the order given.

    None for a value without an interval; as a rival it is a point.
    """
    better_low = entries[0].value.better == "lower"
    found: list[int | None] = []
    for mine in entries:
        low, high = _ends(mine.value)
        ends = [_ends(rival.value) for rival in entries if rival is not mine]
        above = sum(rival_high < low if better_low else rival_low > high for rival_low, rival_high in ends)
        found.append(None if mine.value.ci is None else 1 + above)
    return found


def _ends(value: MetricValue) -> tuple[float, float]:
    point = value.value or 0.0
    return (value.ci.low, value.ci.high) if value.ci is not None else (point, point)
