"""A run directory: its files, its `run.json`, and how an unfinished run is found again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from salmonn_eval.engine.spec import JudgeSettings, Question, RunSpec, Shard
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.jsonl import creating, read_whole, write_json
from salmonn_eval.records import IntervalMethod
from salmonn_eval.tasks.spec import MetricSpec

SCHEMA = 1
Status = Literal["planning", "running", "interrupted", "answered", "incomplete", "done"]


class QuestionPlan(Struct, frozen=True):
    """What was planned of one test set, in samples: those of the list, those absent or left out, those asked.

    `audio_s` is the audio of all requests in seconds: of every variant. `span` is where its rows lie in `plan.jsonl`
    (bytes). `remarks` are sentences about the data: another count than the published one, say.
    """

    name: str
    n_total: int
    n_absent: int
    n_planned: int
    audio_s: float
    suite: str
    span: tuple[int, int] = (0, 0)
    remarks: tuple[str, ...] = ()


class Speed(Struct, frozen=True):
    """How fast answers came, over all attempts; seconds are wall time spent answering."""

    answers: int = 0
    seconds: float = 0.0
    audio_s: float = 0.0
    tokens: int = 0

    def plus(self, other: "Speed") -> "Speed":
        """Both attempts together."""
        return Speed(
            self.answers + other.answers,
            self.seconds + other.seconds,
            self.audio_s + other.audio_s,
            self.tokens + other.tokens,
        )


class RunFile(Struct, frozen=True):
    """`run.json`: what the run is, how far it is, and where its numbers come from.

    `errors`, `cut` and `silent` count requests: failed, on audio that was cut, on audio that is digital silence.
    `metrics` were asked of `score` beyond the specification's; `judge` is who reads answers now, which `score` may
    change; `provenance` has an entry for each attempt; `intervals` is the method that was asked of `score`;
    `canary` is the warning of a run whose first answers did not change when the clips were silence.
    """

    spec: RunSpec
    spec_hash: str
    status: Status
    created: str
    plan: tuple[QuestionPlan, ...] = ()
    errors: int = 0
    cut: int = 0
    silent: int = 0
    speed: dict[str, Speed] = {}
    metrics: tuple[MetricSpec, ...] = ()
    judge: JudgeSettings | None = None
    provenance: tuple[dict[str, Any], ...] = ()
    intervals: IntervalMethod = "standard"
    canary: str | None = None
    schema: int = SCHEMA


class RunDirectory:
    """Paths and state of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan = path / "plan.jsonl"
        self.results = path / "results.json"
        self.table = path / "table.md"
        self.events = path / "events.jsonl"
        self.run_file = path / "run.json"

    def predictions(self, name: str, shard: Shard | None = None) -> Path:
        """The append-only answers of one question, or of one shard of it."""
        suffix = f".{shard.suffix}" if shard else ""
        return self.path / "predictions" / f"{name}{suffix}.jsonl"

    def prediction_files(self, name: str) -> list[Path]:
        """Every file with answers of one question, shards included, in a stable order."""
        folder = self.path / "predictions"
        shards = sorted(folder.glob(f"{_literal(name)}.shard-*-of-*.jsonl"))
        return [file for file in (self.predictions(name), *shards) if file.exists()]

    def samples(self, name: str) -> Path:
        """References, fields, labels and clusters of one question."""
        return self.path / "samples" / f"{name}.jsonl"

    def scores(self, name: str) -> Path:
        """Per-answer measures of one question."""
        return self.path / "scores" / f"{name}.jsonl"

    def read(self) -> RunFile:
        """`run.json`; UsageError when this is not a run directory."""
        if not self.run_file.exists():
            raise UsageError(f"{self.path}: not a run directory (no run.json); expected one made by `salmonn-eval run`")
        state = read_whole(self.run_file, RunFile, what="run.json")
        if state.schema > SCHEMA:
            raise UsageError(
                f"{self.run_file}: 'schema' is {state.schema}, expected at most {SCHEMA}; a newer salmonn-eval made it"
            )
        return state

    def scored(self) -> RunFile:
        """`run.json` of a run with scores; one that ended `incomplete` (too many failures) has them too.

        Raises UsageError when this is not a run directory, IncompleteError for one not answered or scored to the end.
        """
        state = self.read()
        if state.status not in ("done", "incomplete"):
            raise IncompleteError(
                f"{self.path}: the run is {state.status}, not done; repeat its own command, or score it "
                f"(salmonn-eval score {self.path}) first"
            )
        return state

    def write(self, run: RunFile) -> RunFile:
        """Replace `run.json` atomically and hand back what was written."""
        write_json(self.run_file, run)
        return run

    def update(self, **changes: Any) -> RunFile:
        """Change some fields of `run.json`."""
        return self.write(msgspec.structs.replace(self.read(), **changes))

    def sweep(self) -> None:
        """Remove what a killed process left of files it was writing; only for who owns the whole run."""
        for leftover in self.path.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def question(self, name: str) -> tuple[Question, QuestionPlan]:
        """One question of the run by its `TASK.DATASET` name, and what was planned of it."""
        state = self.read()
        question = next(question for question in state.spec.questions if question.name == name)
        return question, next(plan for plan in state.plan if plan.name == name)


def created_now() -> str:
    """The time, as `run.json` holds it: UTC, seconds."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def new_run_directory(spec: RunSpec, out: Path, run_dir: Path | None) -> RunDirectory:
    """Create the folder of a new run; UsageError when it cannot be written."""
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{_safe(spec.label)}_{_safe(spec.card.name)}_{spec.hash()[:4]}"
    path = run_dir or out / name
    with creating(path):
        if run_dir is None:
            path = _unused(path)
        for folder in ("predictions", "samples", "scores"):
            (path / folder).mkdir(parents=True, exist_ok=True)
    return RunDirectory(path)


def _unused(path: Path) -> Path:
    """Make the folder, or `-2`, `-3`... of it: two runs may start within one second."""
    tried = path
    for number in count(2):
        try:
            tried.mkdir(parents=True)
            break
        except FileExistsError:
            tried = path.with_name(f"{path.name}-{number}")
    return tried


def unfinished(spec_hash: str, out: Path) -> RunDirectory | None:
    """The latest run under `out` with this spec hash that is not done."""
    for run in sorted(runs_under(out), key=lambda run: run.path.name, reverse=True):
        try:
            state = run.read()
        except UsageError:
            continue  # another version's run, or one that died before its first write
        if state.spec_hash == spec_hash and state.status != "done":
            return run
    return None


def runs_under(out: Path) -> Iterator[RunDirectory]:
    """Every run directory directly below `out`."""
    for file in out.glob("*/run.json"):
        yield RunDirectory(file.parent)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-+." else "-" for letter in name)[:40]


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
