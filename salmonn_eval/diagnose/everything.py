"""Every diagnosis that a finished run allows."""

from pathlib import Path

from msgspec import Struct

from salmonn_eval.diagnose.activation import Activation, activation
from salmonn_eval.diagnose.collapse import Collapse, collapse
from salmonn_eval.diagnose.confusion import Confusion, confusion
from salmonn_eval.diagnose.error_share import ErrorShare, error_share
from salmonn_eval.diagnose.following import Following, following
from salmonn_eval.diagnose.graded import graded_sets
from salmonn_eval.diagnose.hearing import Hearing, hearing
from salmonn_eval.diagnose.overfitting import MOST_LOSS, Overfitting, overfitting
from salmonn_eval.diagnose.paraphrases import Paraphrases, paraphrases
from salmonn_eval.diagnose.reading import ReadRun, read_run


class Diagnoses(Struct, frozen=True):
    """What a finished run shows without its model."""

    model: str
    following: Following
    confusion: Confusion
    error_share: ErrorShare
    collapse: Collapse
    hearing: Hearing
    paraphrases: Paraphrases
    overfitting: Overfitting
    activation: Activation | None = None


class Activated(Struct, frozen=True):
    """The runs after activation tuning and of its control, and the task whose answers were learned."""

    after: Path
    control: Path
    task: str


def diagnose(path: Path, most_loss: float = MOST_LOSS, activated: Activated | None = None) -> Diagnoses:
    """Diagnose a scored run of any model, or an imported log.

    `most_loss` is how much of a trained task's metric a recommended scale may cost, as a fraction. With `activated` the
    run is the one before activation tuning.

    Raises:
        UsageError: it is no run folder; the runs of `activated` cannot be held against it.
        IncompleteError: it was not answered or scored to the end.
    """
    run = read_run(path)
    sets = list(graded_sets(run))
    return Diagnoses(
        model=run.state.spec.card.name,
        following=following(run, sets),
        confusion=confusion(run),
        error_share=error_share(run),
        collapse=collapse(run),
        hearing=hearing(sets),
        paraphrases=paraphrases(run, sets),
        overfitting=overfitting(run, sets, most_loss),
        activation=_activation(run, activated) if activated else None,
    )


def _activation(run: ReadRun, activated: Activated) -> Activation:
    return activation(run, read_run(activated.after), read_run(activated.control), activated.task)
