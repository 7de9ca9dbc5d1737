"""Log-probabilities of a task's closed labels, asked beside the answers: what ranks answers that only say yes or no."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from salmonn_eval.engine.isolate import Isolation
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models.protocol import AudioSource, Model
from salmonn_eval.records import Prediction, Request

Labels = Mapping[str, Sequence[str]]
Odds = dict[str, float]
AT_ONCE = 16
_NEEDS = "eer"


def labels_to_ask(spec: RunSpec) -> dict[str, Labels]:
    """The labels with their spellings of each task that a metric needs them of; none where the model cannot tell."""
    if not spec.card.capabilities.logprobs:
        return {}
    asked = {metric.name for metric in spec.metrics}
    return {
        question.task.id: question.task.labels
        for question in spec.questions
        if _NEEDS in asked | {metric.name for metric in question.metrics} and question.task.labels
    }


class Labelling:
    """Holds answers of such tasks back, some at a time, until the model has told their labels' log-probabilities.

    A model that fails at it costs the answer nothing but them: it is noted, and the metric says what is missing.
    """

    def __init__(
        self, model: Model, labels: Mapping[str, Labels], audio: AudioSource, note: Callable[[str], None]
    ) -> None:
        self._model = model
        self._labels = labels
        self._audio = audio
        self._note = note
        self._requests: dict[str, Request] = {}
        self._waiting: list[Prediction] = []

    def seen(self, requests: Iterable[Request]) -> Iterator[Request]:
        """The requests as the model pulls them."""
        for request in requests:
            if request.task in self._labels:
                self._requests[request.key] = request
            yield request

    def add(self, prediction: Prediction) -> Iterator[Prediction]:
        """One answer in, those that are complete out."""
        if prediction.key not in self._requests or prediction.error is not None:
            self._requests.pop(prediction.key, None)
            yield prediction
            return
        self._waiting.append(prediction)
        if len(self._waiting) >= AT_ONCE:
            yield from self.rest()

    def rest(self) -> Iterator[Prediction]:
        """Those that are held back."""
        waiting, self._waiting = self._waiting, []
        requests = [self._requests.pop(prediction.key) for prediction in waiting]
        for task in dict.fromkeys(request.task for request in requests):
            mine = [request for request in requests if request.task == task]
            odds = dict(self._told(task, mine))
            for prediction in waiting:
                if prediction.key in odds:
                    yield msgspec.structs.replace(prediction, label_logprobs=odds[prediction.key])

    def _told(self, task: str, requests: list[Request]) -> Iterator[tuple[str, Odds | None]]:
        spellings = [(label, spelling) for label, spoken in self._labels[task].items() for spelling in spoken]

        def work(asked: Iterator[Request]) -> Iterator[tuple[str, Odds | None]]:
            found: list[float] = []
            for row in self._model.logprobs(asked, [spelling for _, spelling in spellings], self._audio):
                found.append(math.fsum(row.logprobs))
                if len(found) == len(spellings):
                    yield row.key, _summed([label for label, _ in spellings], found)
                    found = []

        def failed(request: Request, fault: Exception) -> tuple[str, Odds | None]:
            self._note(f"no log-probabilities of labels for sample {request.sample_id}: {fault}")
            return request.key, None

        def settle(pending: list[Request], told: tuple[str, Odds | None]) -> int | None:
            return next((index for index, request in enumerate(pending) if request.key == told[0]), None)

        return Isolation(work, failed, settle).over(requests)


def _summed(labels: Sequence[str], logprobs: Sequence[float]) -> Odds:
    """Per label the log of the sum of its spellings' probabilities."""
    found: Odds = {}
    for label in dict.fromkeys(labels):
        mine = [value for name, value in zip(labels, logprobs, strict=True) if name == label]
        top = max(mine)
        total = top + math.log(sum(math.exp(value - top) for value in mine)) if math.isfinite(top) else top
        found[label] = total
    return found
