"""A finished run out of another tool's log: scorable and comparable like any other; what the log omits is unknown."""

import hashlib
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.data.logs.item import LogItem, LogReading
from salmonn_eval.data.logs.samples import samples
from salmonn_eval.engine.check import check_metrics
from salmonn_eval.engine.fingerprints import UNKNOWN
from salmonn_eval.engine.keys import request_key
from salmonn_eval.engine.locks import owning
from salmonn_eval.engine.plan import PlanRow
from salmonn_eval.engine.provenance import provenance
from salmonn_eval.engine.run import Outcome, score_run
from salmonn_eval.engine.rundir import QuestionPlan, RunDirectory, RunFile, created_now, new_run_directory
from salmonn_eval.engine.spec import Question, RunOptions, RunSpec
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import atomic
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.tasks.spec import DatasetSpec, Located, MetricSpec

_ID = re.compile(r"[A-Za-z0-9][\w.-]*")
NOT_TOLD = Generation(max_new_tokens=0)


class Imported(Struct, frozen=True):
    """What the caller says of a log: whose answers to which test set, and in which language."""

    task: Located
    dataset: str
    model: str
    language: str | None = None
    metrics: tuple[MetricSpec, ...] = ()


def import_log(log: Path, reading: LogReading, said: Imported, options: RunOptions) -> Outcome:
    """Write plan, samples and predictions of a log into a run directory, then score it.

    Raises UsageError for a log without items, for one that is malformed (with file and line), and for `--run-dir` that
    holds a run already.
    """
    if not _ID.fullmatch(said.dataset):
        raise UsageError(f"--dataset {said.dataset}: expected an id of letters, digits, `-`, `_` and `.`")
    spec = _spec(log, said)
    check_metrics(spec)
    if options.run_dir is not None and (options.run_dir / "run.json").exists():
        raise UsageError(f"{options.run_dir}: holds a run already; name another --run-dir")
    run = new_run_directory(spec, options.out, options.run_dir)
    question = spec.questions[0]
    with owning(run.path, None):
        planned = _write(run, question, reading, said)
        if not planned:
            raise UsageError(f"{log}: holds no item; expected answers and references")
        span = (0, run.plan.stat().st_size)
        plan = QuestionPlan(question.name, planned, 0, planned, 0.0, question.dataset.suite, span)
        made = {**provenance(options.command, "none"), "log": {"format": reading.format, **reading.about}}
        run.write(RunFile(spec, spec.hash(), "answered", created_now(), plan=(plan,), provenance=(made,)))
    return score_run(run, limit=options.max_errors)


def _spec(log: Path, said: Imported) -> RunSpec:
    known = said.task.spec.datasets.get(said.dataset)
    dataset = known or DatasetSpec(suite="paper", source="log", cluster="item", note=f"imported from {log.name}")
    if said.language is not None:
        dataset = msgspec.structs.replace(dataset, language=said.language)
    task = msgspec.structs.replace(said.task.spec, datasets={said.dataset: dataset})
    elsewhere = Capabilities(audio=False, decoding="unknown")
    card = ModelCard(said.model, "log", UNKNOWN, capabilities=elsewhere, dtype=UNKNOWN)
    with log.open("rb") as file:
        source = hashlib.file_digest(file, "sha256").hexdigest()
    question = Question(task, said.dataset, "", source)
    return RunSpec(said.dataset, card, (question,), metrics=said.metrics, imported=True)


def _write(run: RunDirectory, question: Question, reading: LogReading, said: Imported) -> int:
    """Three files from one pass over the log; how many items it holds."""
    count = 0
    encode = msgspec.json.Encoder().encode
    with (
        atomic(run.plan) as plan,
        atomic(run.samples(question.name)) as asked,
        atomic(run.predictions(question.name)) as answered,
    ):
        for sample, item in samples(reading, said.task.spec.id):
            request = _request(question, sample, item)
            asked.write(encode(sample) + b"\n")
            answered.write(encode(_prediction(request, item)) + b"\n")
            plan.write(encode(PlanRow(request, item.duration_s or 0.0)) + b"\n")
            count += 1
    return count


def _request(question: Question, sample: Sample, item: LogItem) -> Request:
    key = request_key(
        task=question.task.id,
        dataset=question.dataset_id,
        sample_id=sample.id,
        clips=(),
        instruction=item.instruction or "",
        generation=NOT_TOLD,
        variant=Variant(),
        policy=None,
        model=UNKNOWN,
    )
    return Request(
        key, question.task.id, question.dataset_id, sample.id, item.instruction or "", (), NOT_TOLD, Variant()
    )


def _prediction(request: Request, item: LogItem) -> Prediction:
    if item.prediction is None:
        return Prediction(request.key, None, "error", error=item.error or "the log holds no answer")
    return Prediction(request.key, item.prediction, "unknown")
