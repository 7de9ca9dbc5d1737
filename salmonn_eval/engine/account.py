"""What became of a run's plan, counted key by key: answers to anything else do not count."""

from msgspec import Struct

from salmonn_eval.engine.plan import read_keys
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.store import AnswerIndex


class Account(Struct, frozen=True):
    """Requests of a run: planned, those that only ever failed, those on cut or digitally silent audio.

    `open` counts, by question, requests that were never tried.
    """

    planned: int
    failed: int
    cut: int
    silent: int
    open: dict[str, int]


def account(run: RunDirectory) -> Account:
    """Count; one pass over the plan."""
    planned = failed = cut = silent = 0
    untried: dict[str, int] = {}
    for plan in run.read().plan:
        index = AnswerIndex(run.prediction_files(plan.name))
        for key in read_keys(run, plan):
            planned += 1
            failed += key in index.failed
            cut += key in index.cut
            silent += key in index.silent
            if not index.attempted(key):
                untried[plan.name] = untried.get(plan.name, 0) + 1
    return Account(planned, failed, cut, silent, untried)
