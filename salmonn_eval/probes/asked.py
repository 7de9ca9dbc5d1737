"""Answers that a probe needs, asked as a run is: resumable, scored, and readable by every command."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from salmonn_eval.engine.executor import LocalExecutor
from salmonn_eval.engine.joined import Item, Joined
from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.run import execute
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors, Question, RunOptions, RunSpec
from salmonn_eval.engine.workers import ScoringHere
from salmonn_eval.models.protocol import Model
from salmonn_eval.records import Variant


def ask(
    model: Model,
    spec: RunSpec,
    questions: tuple[Question, ...],
    variants: tuple[Variant, ...],
    folder: Path,
    progress: Progress,
    *,
    score: bool = True,
) -> RunDirectory:
    """Answer and (unless `score` is false) score `questions` under `variants` in the run directory `folder`.

    What is there is not asked again.
    """
    mine = msgspec.structs.replace(
        spec, card=model.card, questions=questions, variants=variants, not_asked=(), label=folder.name
    )
    options = RunOptions(out=folder.parent, run_dir=folder, max_errors=MaxErrors(share=1.0), canary=False)
    made = execute(
        mine,
        options,
        lambda note: LocalExecutor(model, note=note),
        progress,
        threading.Event(),
        score=score,
        scoring=ScoringHere,
    )
    return made.run


def items(run: RunDirectory, name: str) -> Iterator[Item]:
    """The answered items of one question, in planned order."""
    joined = Joined(run, name)
    try:
        yield from (item for item in joined if item.fault is None)
    finally:
        joined.close()
