"""Answers read from a JSONL file: another tool's outputs, scored as if a model had just given them.

A row names its sample (`sample_id` or `id`) and its answer (`prediction`, `pred_text`, or exactly one of `answer` and
`text`; as in manifests, `text` beside `pred_text` is the reference and ignored), or an `error`. The optional selectors
`task`, `dataset`, `prompt_set`, `lora_scale` and `condition` narrow a row to what it was the answer to: of the rows
that fit a request the one with most selectors wins, at equal number the one with the earlier selector of that list.
Other keys are ignored.
"""

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.models.backend import WithoutLogprobs, file_sha256
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.protocol import AudioSource, ModelCard
from salmonn_eval.records import Finish, Prediction, Request


class Row(Struct, frozen=True):
    """One line of the answers file."""

    id: str | int | None = None
    sample_id: str | int | None = None
    prediction: str | None = None
    pred_text: str | None = None
    answer: str | None = None
    text: str | None = None
    task: str | None = None
    dataset: str | None = None
    prompt_set: str | None = None
    lora_scale: float | None = None
    condition: str | None = None
    finish: Finish = "unknown"
    error: str | None = None

    @property
    def sample(self) -> str | None:
        """The sample's id."""
        given = self.id if self.sample_id is None else self.sample_id
        return None if given is None else str(given)

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer; none, or more than one, is a fault of the file."""
        for stated in (self.prediction, self.pred_text):
            if stated is not None:
                return (stated,)
        return tuple(text for text in (self.answer, self.text) if text is not None)

    @property
    def selectors(self) -> tuple[str | float | None, ...]:
        """What narrows the row, in order of weight."""
        return (self.task, self.dataset, self.prompt_set, self.lora_scale, self.condition)


class Answers:
    """Random access to the rows of a file by sample id; in memory lie 24 bytes a row, not the texts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decode = msgspec.json.Decoder(Row).decode
        try:
            self._file = path.open("rb")
        except OSError as fault:
            raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected a JSONL file of answers") from fault
        samples, rows, starts, ends = array("q"), array("q"), array("q"), array("q")
        for row, start, end in self._scan():
            samples.append(hash(row.sample))
            rows.append(hash((row.sample, row.selectors)))
            starts.append(start)
            ends.append(end)
        self._refuse_duplicates(np.asarray(rows), np.asarray(starts), np.asarray(ends))
        order = np.argsort(np.asarray(samples), kind="stable")
        self._samples = np.asarray(samples)[order]
        self._starts = np.asarray(starts)[order]
        self._ends = np.asarray(ends)[order]

    def rows(self, sample_id: str) -> list[Row]:
        """All rows of one sample, in file order."""
        wanted = hash(sample_id)
        first = int(np.searchsorted(self._samples, wanted, side="left"))
        found = []
        while first < len(self._samples) and self._samples[first] == wanted:
            found.append(self._read(int(self._starts[first]), int(self._ends[first])))
            first += 1
        return [row for row in found if row.sample == sample_id]

    def _scan(self) -> Iterator[tuple[Row, int, int]]:
        """Every row with its byte range; UsageError names the line of the first fault."""
        end = 0
        for number, line in enumerate(self._file, start=1):
            start, end = end, end + len(line)
            if line.strip():
                yield self._checked(line, number), start, end

    def _checked(self, line: bytes, number: int) -> Row:
        where = f"{self._path}:{number}"
        try:
            line.decode("utf-8")
            row = self._decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise UsageError(f"{where}: not a valid answer: {fault}; expected one UTF-8 JSON object a line") from fault
        if row.sample is None:
            raise UsageError(f"{where}: no sample is named; expected the key `sample_id` or `id`")
        if row.error is None and row.finish == "error":
            raise UsageError(f"{where}: `finish` is error but `error` does not say why; add it")
        if row.error is None and len(row.answers) != 1:
            found = "both `answer` and `text`" if row.answers else "no answer"
            raise UsageError(
                f"{where}: {found}; expected the answer under `prediction` (or `pred_text`, `text`), or `error`"
            )
        return row

    def _refuse_duplicates(self, rows: Any, starts: Any, ends: Any) -> None:
        """Equal hashes are looked up before they are believed."""
        order = np.argsort(rows, kind="stable")
        same = np.flatnonzero(rows[order][1:] == rows[order][:-1])
        for place in same:
            one, two = int(order[place]), int(order[place + 1])
            first, second = (self._read(int(starts[at]), int(ends[at])) for at in (one, two))
            if (first.sample, first.selectors) == (second.sample, second.selectors):
                lines = " and ".join(f"{self._path}:{self._line(int(starts[at]))}" for at in (one, two))
                raise UsageError(
                    f"{lines}: two answers to sample {first.sample}; remove one, or add a selector like `task`"
                )

    def _read(self, start: int, end: int) -> Row:
        return self._decode(os.pread(self._file.fileno(), end - start, start))

    def _line(self, offset: int) -> int:
        with self._path.open("rb") as file:
            return file.read(offset).count(b"\n") + 1


class Replay(WithoutLogprobs):
    """The model: looks every request up; audio is never decoded."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self._answers = Answers(Path(str(card.arguments["answers"])))

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """One recorded answer a request, in order; a sample without one is an error of that request."""
        for request in requests:
            fitting = [row for row in self._answers.rows(request.sample_id) if _fits(row, request)]
            yield _prediction(request, max(fitting, key=_weight, default=None))


def _fits(row: Row, request: Request) -> bool:
    variant = request.variant
    asked = (request.task, request.dataset, variant.prompt_set, variant.lora_scale, variant.condition)
    return all(stated is None or stated == is_ for stated, is_ in zip(row.selectors, asked, strict=True))


def _weight(row: Row) -> tuple[int, tuple[bool, ...]]:
    stated = tuple(selector is not None for selector in row.selectors)
    return sum(stated), stated


def _prediction(request: Request, row: Row | None) -> Prediction:
    if row is None:
        why = f"no answer for sample {request.sample_id} ({request.task}:{request.dataset}) in the answers file"
        return Prediction(request.key, None, "error", error=why)
    if row.error is not None:
        return Prediction(request.key, None, "error", error=row.error)
    return Prediction(request.key, row.answers[0], row.finish)


class ReplayBackend:
    """Needs the argument `answers`: the JSONL file."""

    dtypes: tuple[str, ...] = ("float32",)

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """The file's SHA-256."""
        return file_sha256(Path(str(arguments["answers"])), what="a JSONL file of answers")

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Replay:
        """Index the file; UsageError with file and line for a broken or repeated row."""
        return Replay(card)


BACKEND = ReplayBackend()
