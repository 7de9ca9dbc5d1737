"""Plan, samples and answers of one question, joined in plan order without holding any of them."""

from collections.abc import Iterator

from msgspec import Struct

from salmonn_eval.engine.plan import PlanRow, read_plan
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.store import AnswerIndex
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.records import Prediction, Sample


class Item(Struct, frozen=True):
    """One planned request with its sample and what came of it (None: not asked yet)."""

    row: PlanRow
    sample: Sample
    prediction: Prediction | None

    @property
    def fault(self) -> str | None:
        """Why there is no answer, or None when there is one."""
        if self.prediction is None:
            return "not answered yet"
        return self.prediction.error


class Joined:
    """Iterable, as often as needed, over the items of one question."""

    def __init__(self, run: RunDirectory, name: str) -> None:
        self._run = run
        self._name = name
        _, self._plan = run.question(name)
        self._answers = AnswerIndex(run.prediction_files(name))

    def __iter__(self) -> Iterator[Item]:
        samples = self.samples()
        sample: Sample | None = None
        for row in read_plan(self._run, self._plan):
            while sample is None or sample.id != row.request.sample_id:
                sample = next(samples, None)
                if sample is None:
                    file = self._run.samples(self._name)
                    raise UsageError(
                        f"{file}: sample {row.request.sample_id!r} of the plan is not there; start with --fresh"
                    )
            yield Item(row, sample, self._answers.get(row.request.key))

    def samples(self) -> Iterator[Sample]:
        """Every stored sample, asked or not: what corpus statistics are made from."""
        for _, sample in read_rows(self._run.samples(self._name), Sample, what="sample"):
            yield sample

    def close(self) -> None:
        """Close the answer files."""
        self._answers.close()
