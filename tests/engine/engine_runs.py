"""Runs for the engine's tests: real clips, real transcripts, recorded or computed answers."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from salmonn_eval.bundled import bundled
from salmonn_eval.engine.executor import LocalExecutor
from salmonn_eval.engine.predict import Silent
from salmonn_eval.engine.run import Outcome, execute
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import RunOptions, RunSpec
from salmonn_eval.engine.specify import Wishes, specify
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import AudioSource, Capabilities, Model, ModelCard
from salmonn_eval.records import AudioPolicy, Prediction, Request, TokenLogprobs
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import select

Row = dict[str, Any]

TASK = """\
id: {id}
level: 1
title: For one test
instruction: {instruction}
language: en
generation: {{max_new_tokens: 40}}
metrics:
  - {{name: wer, headline: true, settings: {{normalizer: plain}}}}
  - {{name: following_rate}}
following: {{rule: words}}
item_score: one_minus_error
datasets:
  set: {{suite: mini-real, source: manifest, path: {manifest}, cluster: speaker, fields: [transcript]}}
version: 1
"""


def mini_real(task: str = "asr") -> list[Row]:
    """The embedded test set's lines."""
    lines = (bundled("tasks") / "mini-real" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def task_file(folder: Path, rows: Sequence[Row], id_: str = "mine", instruction: str = "Write what is said.") -> Path:
    """A task of its own over a manifest of these rows; returns the folder, for `--task-path`."""
    write_rows(folder / f"{id_}.jsonl", rows)
    text = TASK.format(id=id_, instruction=json.dumps(instruction), manifest=f"{id_}.jsonl")
    (folder / f"{id_}.yaml").write_text(text, encoding="utf-8")
    return folder


def replay(path: Path, rows: Iterable[Row]) -> ModelCard:
    """The replay model over an answers file of these rows."""
    return registry.resolve("replay", {"answers": str(write_rows(path, rows))})


def recorded(rows: Sequence[Row] | None = None) -> list[Row]:
    """Answers to mini-real asr: every third without its last word, every tenth with a word too many."""
    answers = []
    for number, row in enumerate(mini_real() if rows is None else rows):
        words = row["references"][0].lower().split()
        words = words[:-1] if number % 3 == 0 else words
        answers.append({"id": row["id"], "prediction": " ".join([*words, *(["indeed"] if number % 10 == 0 else [])])})
    return answers


def spec_of(card: ModelCard, tasks: str = "asr:mini-real", task_paths: Sequence[Path] = (), **wishes: Any) -> RunSpec:
    settled = {"suite": "mini-real", "label": tasks, **wishes}
    return specify(select(discover(task_paths), [tasks], "mini-real"), card, Wishes(**settled))


def go(
    spec: RunSpec,
    out: Path,
    model: Model | None = None,
    *,
    score: bool = False,
    stop: threading.Event | None = None,
    **options: Any,
) -> Outcome:
    """Execute a spec in this process; without a model its card's own is loaded."""

    def executor(note: Callable[[str], None]) -> LocalExecutor:
        own = model or registry.load(spec.card, device="cpu", dtype=spec.card.dtype, batch_size=None)
        return LocalExecutor(own, note=note)

    settings = RunOptions(out=out, **options)
    return execute(spec, settings, executor, Silent(), stop or threading.Event(), score=score)


def attempts(run: RunDirectory, name: str = "asr.mini-real") -> list[Row]:
    """Every line of a question's answers, in file order."""
    return [json.loads(line) for file in run.prediction_files(name) for line in file.read_bytes().splitlines()]


def card_of(name: str = "in-test", **more: Any) -> ModelCard:
    given = {"capabilities": Capabilities(audio=False), "audio": AudioPolicy(long_audio="keep"), **more}
    return ModelCard(name, "replay", given.pop("fingerprint", "0" * 16), **given)


Answer = Callable[[Request], str]


class OneByOne:
    """A model that answers each request by a function of it; what the function raises, it raises."""

    def __init__(self, card: ModelCard, answer: Answer) -> None:
        self.card = card
        self.asked: list[str] = []
        self._answer = answer

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        for request in requests:
            self.asked.append(request.sample_id)
            if self.card.capabilities.audio:
                audio.waveforms(request)
            yield Prediction(request.key, self._answer(request), "eos", tokens_out=3)

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        raise NotImplementedError


class InBatches(OneByOne):
    """The same in batches of four, answered last first; a fault takes the whole batch with it."""

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        batch: list[Request] = []
        for request in requests:
            batch.append(request)
            if len(batch) == 4:
                yield from self._answers(batch)
                batch = []
        yield from self._answers(batch)

    def _answers(self, batch: list[Request]) -> list[Prediction]:
        self.asked += [request.sample_id for request in batch]
        return [Prediction(request.key, self._answer(request), "eos") for request in reversed(batch)]
