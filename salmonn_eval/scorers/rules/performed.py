"""Which task an output performed."""

from msgspec import Struct

from salmonn_eval.scorers.rules.following import Verdict
from salmonn_eval.scorers.rules.marks import MARKS, Output

AS_ASKED = "as asked"
OTHER = "other"
PERFORMED = (
    "empty", "echo", "runaway", "repeats", "phones", "transcript", "caption", "translation", "yes_no", "label", "short",
    "story",
)  # fmt: skip
"""The marks tried in turn; the first that an output bears names the task it performed."""


class Performed(Struct, frozen=True):
    """The performed task, and the classes tried before it that lacked their material."""

    task: str
    not_testable: tuple[str, ...] = ()


def performed(output: Output, verdict: Verdict) -> Performed:
    """The performed task of an output: as asked if it follows, else the first mark that it bears, else other.

    The verdict on the asked task looks at the output alone; what the sample knows (its transcript, its labels) only
    serves to recognise other tasks, so that an error in the asked task is never taken for another task.
    """
    if verdict.followed == "yes":
        return Performed(AS_ASKED)
    lacking: list[str] = []
    for mark in PERFORMED:
        borne = MARKS[mark].test(output, MARKS[mark].threshold)
        if borne:
            return Performed(mark, tuple(lacking))
        if borne is None:
            lacking.append(mark)
    return Performed(OTHER, tuple(lacking))
