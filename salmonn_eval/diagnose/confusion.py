"""Confusion of the asked task with the task that was performed."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from salmonn_eval.diagnose.reading import UNDETERMINED, AnswerSet, ReadRun
from salmonn_eval.records import Interval, Variant
from salmonn_eval.scorers.ratio import each_once
from salmonn_eval.scorers.rules import AS_ASKED, MARKS, PERFORMED
from salmonn_eval.scorers.rules.performed import OTHER
from salmonn_eval.stats.members import members
from salmonn_eval.stats.wilson import clustered_wilson

CLASSES = (AS_ASKED, *PERFORMED, OTHER, UNDETERMINED)
"""What an answer may have done, in the order in which the rule table tries them."""

_HAS: Mapping[str | None, Callable[[AnswerSet], bool]] = {
    None: lambda asked: True,
    "labels": lambda asked: bool(asked.question.task.labels),
    "fields.transcript": lambda asked: any(answer.sample.fields.get("transcript") for answer in asked.answers),
}
"""Whether the samples of a set hold the material that a mark needs."""


class Cell(Struct, frozen=True):
    """How many answers performed one class. `share` and `ci` are None where the class is not testable: `why`."""

    performed: str
    n: int
    share: float | None
    ci: Interval | None
    why: str | None = None
    examples: tuple[str, ...] = ()


class ConfusionRow(Struct, frozen=True):
    """One asked task. The intervals of a row hold at once with 95 %: their tails are divided by the testable cells."""

    task: str
    dataset: str
    trained: bool
    variant: Variant
    n: int
    cells: tuple[Cell, ...]


class Confusion(Struct, frozen=True):
    """`diagnosis/confusion.json`. `examples` are up to three sample ids of a cell."""

    rows: tuple[ConfusionRow, ...]
    diagnosis: str = "confusion"
    schema: int = 1


def confusion(run: ReadRun) -> Confusion:
    """Asked task by performed task for every test set under every variant."""
    return Confusion(tuple(_row(run, asked) for asked in run.sets if asked.answers))


def _row(run: ReadRun, asked: AnswerSet) -> ConfusionRow:
    task = asked.question.task
    testable = [name for name in CLASSES if name not in MARKS or _HAS[MARKS[name].needs](asked)]
    return ConfusionRow(
        task=task.id,
        dataset=asked.question.dataset_id,
        trained=run.trained(task.id, task.level),
        variant=asked.variant,
        n=len(asked.answers),
        cells=tuple(_cell(asked, name, testable) for name in CLASSES),
    )


def _cell(asked: AnswerSet, name: str, testable: Sequence[str]) -> Cell:
    if name not in testable:
        return Cell(name, 0, None, None, f"not testable: the samples have no {MARKS[name].needs}")
    hits = np.array([answer.performed == name for answer in asked.answers], dtype=np.float64)
    who = members([answer.cluster for answer in asked.answers])
    ends = clustered_wilson(each_once(hits), who, 1 - 0.025 / len(testable))
    found = ends and Interval(*ends, f"wilson, design effect, t, {len(testable)} at once", who.size)
    examples = [answer.sample.id for answer in asked.answers if answer.performed == name]
    return Cell(name, int(hits.sum()), float(hits.mean()), found or None, None, tuple(examples[:3]))
