"""A run as an object: its values, its answers, its table."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from salmonn_eval.engine.joined import Joined
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.records import MetricValue, Prediction, Request, Sample
from salmonn_eval.report import load, table

if TYPE_CHECKING:
    import pandas as pd


class Answer(Struct, frozen=True):
    """What one sample was asked, what it holds, and what came of it."""

    request: Request
    sample: Sample
    prediction: Prediction


class Evaluation(Struct, frozen=True):
    """A run directory. `incomplete` holds a sentence for each shortcoming; a complete run has none."""

    path: Path
    incomplete: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[MetricValue, ...]:
        """Every metric of every test set, with interval, counts and signature; UsageError for an unfinished run."""
        return tuple(load.results(self.path))

    @property
    def warning(self) -> str | None:
        """That the model does not seem to hear: its first answers were the same when the clips were silence."""
        return RunDirectory(self.path).read().canary

    def value(self, task: str, metric: str, *, dataset: str | None = None, lora_scale: float | None = None) -> float:
        """One number over all samples, in the metric's unit; KeyError where there is none, or more than one."""
        found = [
            value
            for value in self.results
            if (value.task, value.metric, value.reading, value.group) == (task, metric, "all", None)
            and dataset in (None, value.dataset)
            and lora_scale in (None, value.variant.lora_scale)
        ]
        if len(found) != 1 or found[0].value is None:
            there = ", ".join(f"{value.dataset} {value.signature} = {value.value}" for value in found) or "none"
            raise KeyError(f"{task} {metric}: expected one value; there are: {there}")
        return found[0].value

    def answers(self) -> Iterator[Answer]:
        """Every answer in planned order, streamed from the run directory."""
        run = RunDirectory(self.path)
        for question in run.read().spec.questions:
            joined = Joined(run, question.name)
            try:
                for item in joined:
                    if item.prediction is not None:
                        yield Answer(item.row.request, item.sample, item.prediction)
            finally:
                joined.close()

    def table(self) -> str:
        """The run's table in Markdown."""
        return table.markdown(self.results)

    def frame(self) -> "pd.DataFrame":
        """The values as a pandas frame, a row each."""
        import pandas as pd

        return pd.json_normalize(table.rows(self.results))
