"""G of every answer of a run: whether it follows its instruction, times its item score in [0, 1]."""

import numpy as np

from salmonn_eval.diagnose.grades import grades_of
from salmonn_eval.diagnose.reading import read_run
from salmonn_eval.engine.rundir import RunDirectory


def gains(run: RunDirectory) -> dict[str, float]:
    """G by request key; an answer that does not follow, or of which that is undetermined, has 0.

    Answers that failed, and those to samples that cannot be graded, are left out.
    """
    read = read_run(run.path)
    found: dict[str, float] = {}
    for asked in read.sets:
        grades = grades_of(asked.question, read.corpora[asked.question.name])
        own = grades.own([answer.text for answer in asked.answers], [answer.sample for answer in asked.answers])
        for answer, value in zip(asked.answers, own.tolist(), strict=True):
            if not np.isnan(value):
                found[answer.request.key] = value if answer.followed == "yes" else 0.0
    return found
