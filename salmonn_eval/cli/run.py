"""`run`, `predict` and `sweep`: ask a model, and (but for `predict`) score what it answers.

`command` is long because a command's options are its parameters: a list of them and what they are handed on to.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from salmonn_eval.api.defaults import DEFAULT_MODEL, DEFAULT_OUT, DEFAULT_TASKS
from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.engine.run import Outcome
    from salmonn_eval.engine.rundir import RunFile
    from salmonn_eval.engine.spec import RunOptions, RunSpec
    from salmonn_eval.models.protocol import Model

Kind = Literal["run", "predict", "sweep"]


def command(kind: Kind) -> Callable[..., None]:
    """`run` (answers and scores), `predict` (answers only) or `sweep` (several LoRA scales): one set of options."""

    def ask(
        tasks: o.Tasks = DEFAULT_TASKS,
        suite: o.Suite = None,
        model: o.Model = DEFAULT_MODEL,
        model_arg: o.ModelArg = None,
        annotation: o.Annotation = None,
        annotation_task: o.AnnotationTask = None,
        task_path: o.TaskPath = None,
        model_path: o.ModelPath = None,
        data: o.Data = None,
        device: o.Device = "auto",
        dtype: o.Dtype = None,
        batch_size: o.BatchSize = None,
        seed: o.Seed = 0,
        limit: o.Limit = None,
        sample_id: o.SampleId = None,
        generation: o.Generation = None,
        prompt_set: o.PromptSet = "release",
        condition: o.Condition = "none",
        lora_scale: o.LoraScale = None,
        seen_prompts: o.SeenPrompts = None,
        metric: o.Metric = None,
        judge_model: o.JudgeModel = None,
        judge_url: o.JudgeUrl = None,
        judge_key_env: o.JudgeKeyEnv = None,
        long_audio: o.LongAudio = None,
        out: o.Out = DEFAULT_OUT,
        run_dir: o.RunDir = None,
        fresh: o.Fresh = False,
        shard: o.Shard = None,
        max_errors: o.MaxErrors = "1%",
        fail_fast: o.FailFast = False,
        skip_missing_data: o.SkipMissingData = False,
        allow_missing_metrics: o.AllowMissingMetrics = False,
        workers: o.Workers = 2,
        encoder_cache: o.EncoderCache = None,
        canary: o.Canary = True,
        dry_run: o.DryRun = False,
        json: o.Json = False,
        config: o.Config = None,
    ) -> None:
        from salmonn_eval.api.compose import spec_from
        from salmonn_eval.cli import parse
        from salmonn_eval.cli.sweep import scales_to_sweep
        from salmonn_eval.engine.judging import judge_settings
        from salmonn_eval.engine.spec import RunOptions

        arguments = parse.pairs("--model-arg", model_arg)
        scales = parse.lora_scales(lora_scale, "--lora-scales" if kind == "sweep" else "--lora-scale")
        if kind == "sweep":
            scales = scales_to_sweep(scales, model, arguments, dtype, model_path or [])
        spec = spec_from(
            tasks=tasks,
            suite=suite,
            model=model,
            model_arguments=arguments,
            task_paths=task_path or [],
            model_paths=model_path or [],
            data=parse.pairs("--data", data),
            dtype=dtype,
            variants=parse.variants(prompt_set, condition, seed, scales),
            seed=seed,
            limit=limit,
            sample_ids=tuple(sample_id or ()),
            generation=parse.typed_pairs("--generation", generation),
            seen_prompts=seen_prompts,
            metrics=tuple(parse.metric(text) for text in metric or ()),
            judge=judge_settings(judge_model, judge_url, judge_key_env, model_paths=model_path or []),
            long_audio=long_audio,
            skip_missing_data=skip_missing_data or dry_run,
            allow_missing_metrics=allow_missing_metrics or dry_run,
            annotation=annotation,
            annotation_task=annotation_task,
        )
        settings = RunOptions(
            out=out,
            run_dir=run_dir,
            fresh=fresh,
            shard=parse.shard(shard),
            max_errors=parse.max_errors(max_errors),
            fail_fast=fail_fast,
            device=device,
            batch_size=batch_size,
            workers=workers,
            encoder_cache=encoder_cache,
            command=("salmonn-eval", *sys.argv[1:]),
            canary=canary,
        )
        if dry_run:
            _show_survey(spec, out, json)
        else:
            _go(spec, settings, kind, json=json)

    ask.__doc__ = _HELP[kind]
    if kind == "sweep":
        ask.__annotations__["lora_scale"] = o.LoraScales
    return ask


_HELP: dict[Kind, str] = {
    "run": """Ask a model the chosen tasks, score its answers, print the table.

    An interrupted run goes on when the same command is repeated.
    """,
    "predict": """Ask a model the chosen tasks and keep the answers; `score` does the rest, on any machine.""",
    "sweep": """Ask a model the chosen tasks at several scales of its adapter, in one loaded model and the same batches.

    It refuses to start where the adapter does not act. An interrupted sweep goes on when the command is repeated.
    """,
}


def _go(spec: "RunSpec", settings: "RunOptions", kind: Kind, *, json: bool) -> None:
    from salmonn_eval.cli.console import progress, say_json, tell
    from salmonn_eval.cli.sweep import acting_model
    from salmonn_eval.engine.executor import Executor, LocalExecutor
    from salmonn_eval.engine.labelled import labels_to_ask
    from salmonn_eval.engine.run import execute
    from salmonn_eval.errors import ExitCode

    model = acting_model(spec, settings) if kind == "sweep" else partial(load_model, spec, settings)

    def executor(note: Callable[[str], None]) -> Executor:
        return LocalExecutor(model(), workers=settings.workers, note=note, labels=labels_to_ask(spec))

    score = kind != "predict"
    stop = threading.Event()
    with progress() as bar, _stopping(stop):
        outcome = execute(spec, settings, executor, bar, stop, score=score)
    if score and settings.shard is None and outcome.exit_code is not ExitCode.INTERRUPTED:
        show_outcome(outcome, json=json)
    else:
        if warning := outcome.run.read().canary:
            tell(f"warning: {warning}")
        tell(_next_step(outcome, settings))
        if json:
            say_json({"run": str(outcome.run.path)})
    raise typer.Exit(outcome.exit_code)


def load_model(spec: "RunSpec", settings: "RunOptions") -> "Model":
    """The run's model, ready to answer."""
    from salmonn_eval.models import registry

    return registry.load(
        spec.card,
        device=settings.device,
        dtype=spec.card.dtype,
        batch_size=settings.batch_size,
        encoder_cache=settings.encoder_cache,
    )


def _next_step(outcome: "Outcome", settings: "RunOptions") -> str:
    """What to type after a run that has answers but no scores yet."""
    import shlex

    path = outcome.run.path
    place = shlex.quote(str(path))
    if outcome.exit_code:
        return f"interrupted; every answer so far is in {path}\nto go on: {_again(settings)}"
    if settings.shard is not None:
        part = settings.shard
        return f"shard {part.index} of {part.count} is answered; when all are: salmonn-eval merge {place}"
    return f"answers are in {path}\nto score them: salmonn-eval score {place}"


def show_outcome(outcome: "Outcome", *, json: bool) -> None:
    """Write the run's table, print it (or JSON), and say what the run lacks, where it lies and what to type next."""
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.cli.next_step import invitations
    from salmonn_eval.cli.tables import caption, terminal_columns
    from salmonn_eval.jsonl import write_atomic
    from salmonn_eval.report import table

    title = caption(outcome.run)
    write_atomic(outcome.run.table, [table.markdown(outcome.values, caption=title).encode()])
    if json:
        say_json({"run": str(outcome.run.path), "incomplete": outcome.why, "results": outcome.values})
    else:
        say(table.text(outcome.values, caption=title, columns=terminal_columns()))
    state = outcome.run.read()
    _remarks(state, outcome.why)
    if not json:
        say(f"run: {outcome.run.path}\n{invitations(state, outcome.run.path)}")


def _remarks(state: "RunFile", why: Sequence[str]) -> None:
    """What a reader of the table must know beside it, and what the run lacks."""
    from salmonn_eval.cli.console import tell

    for plan in state.plan:
        for remark in plan.remarks:
            tell(f"note: {plan.name}: {remark}")
    if state.cut:
        tell(f"note: {state.cut} answers are to audio cut to what the model takes; events.jsonl says which")
    if state.silent:
        tell(f"note: {state.silent} answers are to digital silence; events.jsonl says which")
    if state.canary:
        tell(f"warning: {state.canary}")
    for sentence in why:
        tell(f"incomplete: {sentence}")


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) finishes the batch and keeps everything; a second one ends at once."""
    from salmonn_eval.cli.console import tell

    def on_signal(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("stopping after the current batch; once more to stop at once")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _again(settings: "RunOptions") -> str:
    """The command that continues: the same, less `--fresh`."""
    import shlex

    from salmonn_eval.engine.provenance import redacted

    return shlex.join(word for word in redacted(settings.command) if word != "--fresh")


def _show_survey(spec: "RunSpec", out: Path, json: bool) -> None:
    from salmonn_eval.cli.console import hours, say, say_json
    from salmonn_eval.engine.survey import survey

    found = survey(spec, out)
    if json:
        known = {"estimated_seconds": found.seconds, "needs": found.needs}
        say_json({"plans": found.plans, "not_asked": spec.not_asked, "remarks": found.remarks, **known})
        return
    for plan in found.plans:
        absent = f", {plan.n_absent} absent or left out" if plan.n_absent else ""
        say(f"{plan.name}: {plan.n_planned} of {plan.n_total} samples{absent}, {hours(plan.audio_s)} of audio")
    for remark in found.remarks:
        say(f"note: {remark}")
    for entry in spec.not_asked:
        say(f"{entry.task}.{entry.dataset}: {entry.status}: {entry.why}")
    variants = f" in {len(spec.variants)} variants" if len(spec.variants) > 1 else ""
    say(f"in all: {found.n_requests} requests{variants}, {hours(found.audio_s)} of audio, model {spec.card.name}")
    if found.seconds is None:
        say(f"time: unknown, no earlier run of {spec.card.name} under {out} to go by")
    else:
        say(f"time: about {hours(found.seconds)}, by the speed of earlier runs under {out}")
    for line in found.needs:
        say(line)
