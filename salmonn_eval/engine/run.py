"""A run from start to results: open or continue it, plan, predict, score, and say how it ended."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import msgspec
from msgspec import Struct

from salmonn_eval.engine.account import account
from salmonn_eval.engine.canary import can_sing, canary
from salmonn_eval.engine.check import check, check_metrics
from salmonn_eval.engine.events import EventLog
from salmonn_eval.engine.executor import Executor
from salmonn_eval.engine.locks import owning, planning
from salmonn_eval.engine.plan import check_sample_ids, write_plan
from salmonn_eval.engine.predict import Predictor, Progress
from salmonn_eval.engine.provenance import provenance, redacted
from salmonn_eval.engine.results import keep_previous, shortcomings, write_results
from salmonn_eval.engine.rundir import (
    RunDirectory,
    RunFile,
    Speed,
    Status,
    created_now,
    new_run_directory,
    unfinished,
)
from salmonn_eval.engine.spec import JudgeSettings, MaxErrors, RunOptions, RunSpec
from salmonn_eval.engine.store import writing
from salmonn_eval.engine.workers import Scoring, ScoringPool
from salmonn_eval.errors import ExitCode, IncompleteError, UsageError
from salmonn_eval.records import IntervalMethod, MetricValue
from salmonn_eval.tasks.spec import MetricSpec

MakeExecutor = Callable[[Callable[[str], None]], Executor]
MakeScoring = Callable[[RunDirectory], Scoring]


class Outcome(Struct, frozen=True):
    """How a run ended; `why` holds a sentence for each shortcoming."""

    run: RunDirectory
    exit_code: ExitCode
    values: tuple[MetricValue, ...] = ()
    why: tuple[str, ...] = ()


def open_run(spec: RunSpec, options: RunOptions) -> tuple[RunDirectory, bool]:
    """The run directory to work in, and whether it continues an earlier attempt.

    Raises UsageError when `--run-dir` holds another run, or when a shard has no `--run-dir`.
    """
    if options.shard is not None and options.run_dir is None:
        raise UsageError("--shard needs --run-dir DIR, the same for all shards: they must meet in one folder")
    if options.run_dir is not None and (options.run_dir / "run.json").exists():
        run = RunDirectory(options.run_dir)
        _same_run(run, spec)
        if options.fresh:
            raise UsageError(f"{run.path}: --fresh starts a new folder; name another --run-dir, or leave --fresh out")
        return run, True
    if options.run_dir is None and not options.fresh and (found := unfinished(spec.hash(), options.out)):
        return found, True
    return new_run_directory(spec, options.out, options.run_dir), False


def _same_run(run: RunDirectory, spec: RunSpec) -> None:
    held = run.read()
    if held.spec_hash != spec.hash():
        raise UsageError(
            f"{run.path}: holds another run ({held.spec.label} on {held.spec.card.name}, spec {held.spec_hash}, not "
            f"{spec.hash()}); repeat that run's own command, or name another --run-dir"
        )


def execute(
    spec: RunSpec,
    options: RunOptions,
    executor: MakeExecutor,
    progress: Progress,
    stop: threading.Event,
    *,
    score: bool = True,
    scoring: MakeScoring = ScoringPool,
) -> Outcome:
    """Run to the end, or until `stop`; the same call with the same spec continues what is unfinished.

    `executor` is called only if something is left to ask, with what notes what a model tells on the way. A shard
    predicts only; `merge` scores. Raises the errors of salmonn_eval.errors, and KeyboardInterrupt when stopped while
    planning; whatever was answered before stays in the run directory.
    """
    check(spec)
    run, resumed = open_run(spec, options)
    with writing(run.path), owning(run.path, options.shard):
        if options.shard is None:
            run.sweep()
        _plan(run, spec, options, stop)
        events = EventLog(run.events)
        events.write("resumed" if resumed else "started", " ".join(redacted(options.command)))
        score = score and options.shard is None
        with scoring(run) if score else nullcontext() as pool:
            predictor = Predictor(run, options, progress, pool.submit if pool else _nothing)
            stopped = _predict(run, spec, options, predictor, executor, stop)
            if pool is None and not stopped:
                return _answered(run, options)
            values = None if stopped or pool is None else _scored(pool, spec, stop)
            if values is None:
                if pool is not None:
                    pool.abandon()
                _set_status(run, "interrupted")
                events.write("interrupted", "stopped on request; answers are kept")
                return Outcome(run, ExitCode.INTERRUPTED)
        return _finish(run, spec, values, options.max_errors)


def _scored(pool: Scoring, spec: RunSpec, stop: threading.Event | None = None) -> list[MetricValue] | None:
    """The values of all questions, in order; None when stopped before the last."""
    values: list[MetricValue] = []
    for name in [question.name for question in spec.questions]:
        pool.submit(name)
    for question in spec.questions:
        found = pool.values(question.name, stop)
        if found is None:
            return None
        values += found
    return values


def score_run(
    run: RunDirectory,
    metrics: tuple[MetricSpec, ...] = (),
    *,
    limit: MaxErrors,
    judge: JudgeSettings | None = None,
    intervals: IntervalMethod = "standard",
) -> Outcome:
    """Score a run's answers again, keeping earlier results beside the new ones. Never needs the model.

    `metrics` are scored beyond those of the specification, which stays as it is; `judge` takes the place of the one
    that read answers so far; `intervals` is the method of the intervals.
    """
    state = run.read()
    spec = msgspec.structs.replace(state.spec, judge=judge or state.judge)
    check_metrics(msgspec.structs.replace(spec, metrics=(*spec.metrics, *metrics)))
    with writing(run.path), owning(run.path, None):
        if not run.plan.exists():
            raise UsageError(f"{run.path}: has no plan yet: nothing to score; repeat its `salmonn-eval run`")
        run.sweep()
        run.update(status="answered", metrics=metrics, judge=spec.judge, intervals=intervals)
        keep_previous(run)
        with ScoringPool(run) as pool:
            values = _scored(pool, spec)
        assert values is not None, "nobody stops it"
        return _finish(run, spec, values, limit)


def _plan(run: RunDirectory, spec: RunSpec, options: RunOptions, stop: threading.Event) -> None:
    with planning(run.path):
        if run.run_file.exists():
            _same_run(run, spec)  # of several shards that start together, another may have made it
            run.update(judge=spec.judge)  # an endpoint may have moved since
        else:
            made = provenance(options.command, options.device)
            run.write(RunFile(spec, spec.hash(), "planning", created_now(), judge=spec.judge, provenance=(made,)))
        if not run.plan.exists() or not run.read().plan:
            plans = write_plan(run, spec, stop)
            check_sample_ids(spec, run)
            run.update(plan=plans)
    if not sum(plan.n_planned for plan in run.read().plan) and spec.questions:
        raise UsageError(f"{run.path}: no sample to ask: every test set is empty or its audio is absent")


def _predict(
    run: RunDirectory,
    spec: RunSpec,
    options: RunOptions,
    predictor: Predictor,
    executor: MakeExecutor,
    stop: threading.Event,
) -> bool:
    """Answer what is open; True when it was stopped before the end."""
    backlog = predictor.backlog()
    if not backlog.open:
        return False
    _set_status(run, "running")
    events = EventLog(run.events)
    asked = executor(lambda message: events.write("warning", message))
    _note_attempt(run, options)
    if options.canary and backlog.open == backlog.planned and can_sing(spec.card):
        _listen(run, spec, asked, stop)
    try:
        speed = predictor.predict(asked, backlog, stop)
    except IncompleteError:
        _set_status(run, "incomplete")
        raise
    _add_speed(run, options, speed)
    stopped = stop.is_set() and speed.answers < backlog.open
    if stopped:
        _set_status(run, "interrupted")
    return stopped


def _listen(run: RunDirectory, spec: RunSpec, executor: Executor, stop: threading.Event) -> None:
    """Ask the canary, before the first answer of a run."""
    if (warning := canary(run, spec, executor, stop)) is not None:
        EventLog(run.events).write("warning", warning)
        with planning(run.path):
            run.update(canary=warning)


def _set_status(run: RunDirectory, status: Status) -> None:
    """Under the same lock as the speeds: several shards write one `run.json`."""
    with planning(run.path):
        run.update(status=status)


def _note_attempt(run: RunDirectory, options: RunOptions) -> None:
    """Where these answers come from; written when the model is loaded, since only then the GPU is known."""
    made = {**provenance(options.command, options.device), "answered": True}
    with planning(run.path):
        earlier = [attempt for attempt in run.read().provenance if attempt.get("answered")]
        run.update(provenance=(*earlier, made))


def _add_speed(run: RunDirectory, options: RunOptions, speed: Speed) -> None:
    part = options.shard.suffix if options.shard else "all"
    with planning(run.path):
        before = run.read().speed
        run.update(speed={**before, part: before.get(part, Speed()).plus(speed)})


def _answered(run: RunDirectory, options: RunOptions) -> Outcome:
    if options.shard is None:
        run.update(status="answered")
    return Outcome(run, ExitCode.OK)


def _finish(run: RunDirectory, spec: RunSpec, values: Sequence[MetricValue], limit: MaxErrors) -> Outcome:
    everything = write_results(run, spec, values)
    counted = account(run)
    why = shortcomings(spec, everything, counted, limit)
    run.update(status="incomplete" if why else "done", errors=counted.failed, cut=counted.cut, silent=counted.silent)
    EventLog(run.events).write("finished", "; ".join(why) or "complete")
    return Outcome(run, ExitCode.INCOMPLETE if why else ExitCode.OK, everything, tuple(why))


def _nothing(name: str) -> None:
    """A question is finished, and nobody scores it here."""
