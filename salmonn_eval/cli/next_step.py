"""The commands that a finished run invites to: what its last lines on the terminal say to type next."""

import shlex
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from salmonn_eval.engine.rundir import RunFile


class Invitation(Struct, frozen=True):
    """A command, in which `{run}` stands for the run's folder; offered where `apt` says so of a finished run."""

    words: str
    what: str
    apt: Callable[[RunFile], bool]


def _any(run: RunFile) -> bool:
    return True


def _varied(run: RunFile) -> bool:
    return len(run.spec.variants) > 1


def _papers(run: RunFile) -> bool:
    """Whether a set is of the paper's suite, which also holds annotation files of the user's own."""
    own = {question.name for question in run.spec.questions if question.dataset.corpus is None}
    return any(plan.suite == "paper" and plan.name not in own for plan in run.plan) and not run.spec.imported


INVITATIONS = (
    Invitation("diagnose {run}", "task over-fitting, following, hearing", _varied),
    Invitation("report {run}", "one page: results, plots, and every answer with its audio", _any),
    Invitation("show {run}", "how it was made; with --sample ID one answer whole", _any),
    Invitation("table {run} --like paper", "beside the paper's own numbers", _papers),
    Invitation("table {run} -f md", "to paste; also latex, csv, json, html, and several runs", _any),
)


def invitations(run: RunFile, folder: Path) -> str:
    """A heading and a line for each apt command, ready to be pasted into a shell."""
    place = shlex.quote(str(folder))
    apt = [one for one in INVITATIONS if one.apt(run)]
    return "\n".join(["next:", *(f"  salmonn-eval {one.words.format(run=place)}  # {one.what}" for one in apt)])
