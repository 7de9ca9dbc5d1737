"""`evaluate`: what `salmonn-eval run` does, as one call."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from salmonn_eval.api.compose import spec_from
from salmonn_eval.api.defaults import DEFAULT_MODEL, DEFAULT_OUT, DEFAULT_TASKS
from salmonn_eval.api.evaluation import Evaluation
from salmonn_eval.engine.executor import Executor, LocalExecutor
from salmonn_eval.engine.labelled import labels_to_ask
from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.run import execute
from salmonn_eval.engine.spec import RunOptions, RunSpec
from salmonn_eval.engine.workers import ScoringHere
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import Model
from salmonn_eval.records import ConditionKind, Prediction, Request, Variant
from salmonn_eval.tasks.spec import MetricSpec

Watch = Callable[[Request, Prediction], None]


def evaluate(
    model: str | Model = DEFAULT_MODEL,
    tasks: str | Sequence[str] = DEFAULT_TASKS,
    *,
    suite: str | None = None,
    lora_scales: Sequence[float | None] = (None,),
    conditions: Sequence[ConditionKind] = ("none",),
    limit: int | None = None,
    seed: int = 0,
    generation: Mapping[str, Any] | None = None,
    metrics: Sequence[str] = (),
    data: Mapping[str, str | Path] | None = None,
    annotation: str | Path | None = None,
    annotation_task: str | None = None,
    task_paths: Sequence[str | Path] = (),
    model_paths: Sequence[str | Path] = (),
    model_arguments: Mapping[str, object] | None = None,
    device: str = "auto",
    dtype: str | None = None,
    batch_size: int | None = None,
    encoder_cache: str | Path | None = None,
    out: str | Path = DEFAULT_OUT,
    run_dir: str | Path | None = None,
    fresh: bool = False,
    canary: bool = True,
    on_answer: Watch | None = None,
) -> Evaluation:
    """Ask a model the chosen tasks and score its answers; the same call continues what was interrupted.

    The arguments are `salmonn-eval run`'s options of the same names. Everything is kept in a run directory, which every
    command of `salmonn-eval` reads. Scoring happens in this process.

    `model` is the name or path of a model card, or an object that is a `Model` (see `wrap`); `suite` None is the
    model's own (`mini` of salmonn-nano, `mini-real` otherwise); `tasks` are groups, tasks and datasets (`"level1"`,
    `["asr", "er:iemocap-session5"]`); `metrics` are asked for beyond the tasks' own. With an `annotation` file of the
    SALMONN release its entries are the test sets; `annotation_task` (`--task`) says which task its questions belong to.

    `on_answer` is called with each request and its answer as soon as the model gives it. With `canary` a few samples
    are first asked as they are and as silence: `Evaluation.warning` tells if no answer changed.

    Raises:
        UsageError, PrerequisiteError: the call cannot be done; the message says what to change.
        IncompleteError: it went wrong on the way; what was answered is kept.
    """
    spec = spec_from(
        tasks=tasks if isinstance(tasks, str) else ",".join(tasks),
        suite=suite,
        model=model if isinstance(model, str) else model.card,
        model_arguments={name: str(value) for name, value in (model_arguments or {}).items()},
        task_paths=[Path(path) for path in task_paths],
        model_paths=[Path(path) for path in model_paths],
        data={corpus: str(folder) for corpus, folder in (data or {}).items()},
        dtype=dtype,
        variants=_variants(lora_scales, conditions, seed),
        seed=seed,
        limit=limit,
        sample_ids=(),
        generation=generation or {},
        seen_prompts=None,
        metrics=tuple(MetricSpec(name) for name in metrics),
        judge=None,
        long_audio=None,
        skip_missing_data=False,
        allow_missing_metrics=False,
        annotation=None if annotation is None else Path(annotation),
        annotation_task=annotation_task,
    )
    options = RunOptions(
        out=Path(out),
        run_dir=None if run_dir is None else Path(run_dir),
        fresh=fresh,
        device=device,
        batch_size=batch_size,
        encoder_cache=None if encoder_cache is None else Path(encoder_cache),
        command=(Path(sys.argv[0]).name or "python",),
        canary=canary,
    )
    executor = _loader(spec, options) if isinstance(model, str) else _given(model, spec)
    outcome = execute(spec, options, executor, _Watching(on_answer), threading.Event(), scoring=ScoringHere)
    return Evaluation(outcome.run.path, outcome.why)


def _variants(
    lora_scales: Sequence[float | None], conditions: Sequence[ConditionKind], seed: int
) -> tuple[Variant, ...]:
    return tuple(Variant(scale, condition=condition, seed=seed) for scale in lora_scales for condition in conditions)


def _loader(spec: RunSpec, options: RunOptions) -> Callable[[Callable[[str], None]], Executor]:
    def load(note: Callable[[str], None]) -> Executor:
        model = registry.load(
            spec.card,
            device=options.device,
            dtype=spec.card.dtype,
            batch_size=options.batch_size,
            encoder_cache=options.encoder_cache,
        )
        return LocalExecutor(model, note=note, labels=labels_to_ask(spec))

    return load


def _given(model: Model, spec: RunSpec) -> Callable[[Callable[[str], None]], Executor]:
    return lambda note: LocalExecutor(model, note=note, labels=labels_to_ask(spec))


class _Watching(Progress):
    """Hands each answer on."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch

    def begin(self, what: str, total: int, done: int) -> None:
        """Nobody is told of phases."""

    def advance(self, prediction: Prediction, request: Request) -> None:
        """One more answer."""
        if self._watch is not None:
            self._watch(request, prediction)
