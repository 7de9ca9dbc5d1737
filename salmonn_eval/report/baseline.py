"""The baseline of the gate: per-sample statistics of a run, in a file that is committed beside the code.

One sample a line, so that a diff shows which samples changed. `tolerances` is for people to edit; everything else is
written by `check --update`, which keeps them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.jsonl import read_whole, write_atomic
from salmonn_eval.records import Better, Unit, Variant
from salmonn_eval.report.likeness import Choice
from salmonn_eval.report.scored import ScoredRun, ScoredSet, read_scored

SCHEMA = 1
POINT: Mapping[Unit, float] = {"percent": 1.0, "points": 1.0, "fraction": 0.01, "words": 1.0}
"""How much worse counts as unchanged where the file does not say: one point, in each unit."""


class BaselineMetric(Struct, frozen=True, forbid_unknown_fields=True):
    """One gated metric: its value when the baseline was made, and what must be the same for it to be compared."""

    metric: str
    signature: str
    unit: Unit
    better: Better
    value: float | None
    asked: str
    system: str


class BaselineSample(Struct, frozen=True, forbid_unknown_fields=True):
    """One sample: a digest of its answer (None: it failed), and its statistics of each metric (None: not scored)."""

    id: str
    output: str | None
    stats: tuple[tuple[float, ...] | None, ...]


class BaselineSet(Struct, frozen=True, forbid_unknown_fields=True):
    """One test set under one variant."""

    task: str
    dataset: str
    variant: Variant
    metrics: tuple[BaselineMetric, ...]
    samples: tuple[BaselineSample, ...]

    @property
    def name(self) -> str:
        """`TASK:DATASET`."""
        return f"{self.task}:{self.dataset}"


class Baseline(Struct, frozen=True, forbid_unknown_fields=True):
    """The file. Keys of `tolerances` are metrics (`wer`), or of a test set's (`asr:mini wer`); in metrics' units."""

    model: str
    fingerprint: str
    sets: tuple[BaselineSet, ...]
    tolerances: dict[str, float] = {}
    schema: int = SCHEMA

    def tolerance(self, name: str, metric: BaselineMetric) -> float:
        """How much worse (in the metric's unit) is still as good: the narrower key first, then one point."""
        found = self.tolerances.get(f"{name} {metric.metric}", self.tolerances.get(metric.metric))
        return POINT[metric.unit] if found is None else found


def make_baseline(folder: Path, file: Path, chosen: Choice) -> Baseline:
    """Write the baseline that a run makes, of the chosen variants; tolerances of an earlier file are kept.

    Raises:
        IncompleteError: the run is not whole.
        UsageError: it has no headline metric under such a variant, or the earlier file is broken.
    """
    run = read_scored(folder)
    if run.state.status != "done":
        raise IncompleteError(f"{folder}: the run is {run.state.status}; only a whole run becomes a baseline")
    earlier = read_baseline(file) if file.exists() else None
    made = baseline_of(run, chosen)
    if not made.sets:
        raise UsageError(f"{folder}: no headline metric is scored under the variant asked for; nothing was written")
    kept = {key: value for key, value in (earlier.tolerances if earlier else {}).items() if key in _gated(made)}
    made = msgspec.structs.replace(made, tolerances=kept)
    write_baseline(file, made)
    return made


def baseline_of(run: ScoredRun, chosen: Choice) -> Baseline:
    """The baseline that a run makes: the headline metrics of its test sets, of the chosen variants."""
    sets = tuple(
        _set(scored)
        for scored in run.sets
        if any(metric.value.headline for metric in scored.metrics)
        and all(getattr(scored.variant, field) == value for field, value in chosen.items())
    )
    return Baseline(run.card.name, run.card.fingerprint, sets)


def _set(scored: ScoredSet) -> BaselineSet:
    gated = [metric for metric in scored.metrics if metric.value.headline]
    return BaselineSet(
        task=scored.question.task.id,
        dataset=scored.question.dataset_id,
        variant=scored.variant,
        metrics=tuple(
            BaselineMetric(
                m.value.metric,
                m.value.signature,
                m.value.unit,
                m.value.better,
                m.value.value,
                m.value.asked,
                m.value.system,
            )
            for m in gated
        ),
        samples=tuple(
            BaselineSample(id_, digest(scored, id_), tuple(_plain(metric.stats(id_)) for metric in gated))
            for id_ in scored.items
        ),
    )


def _plain(stats: Iterable[float] | None) -> tuple[float, ...] | None:
    return None if stats is None else tuple(float(number) for number in stats)


def digest(scored: ScoredSet, sample_id: str) -> str | None:
    """Twelve hexadecimal digits of an answer's text; None where there is no answer."""
    prediction = scored.items[sample_id].prediction
    if prediction is None or prediction.text is None:
        return None
    return hashlib.sha256(prediction.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read_baseline(path: Path) -> Baseline:
    """Read a baseline; UsageError names the file and what is wrong with it."""
    if not path.exists():
        raise UsageError(
            f"{path}: no such baseline; make it of a run with salmonn-eval check RUN --baseline {path} --update"
        )
    document = read_whole(path, dict[str, Any], what="baseline")
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"{path}: 'schema' is {document.get('schema')!r}, expected {SCHEMA}; make the baseline again with --update"
        )
    try:
        found = msgspec.convert(document, Baseline)
    except msgspec.ValidationError as fault:
        raise UsageError(f"{path}: not a valid baseline: {fault}; make it again with --update") from fault
    _check_tolerances(path, found)
    return found


def _check_tolerances(path: Path, baseline: Baseline) -> None:
    known = _gated(baseline)
    for key, value in baseline.tolerances.items():
        if key not in known:
            raise UsageError(
                f"{path}: tolerances: {key!r} is no metric of this baseline; expected one of {', '.join(sorted(known))}"
            )
        if not 0 <= value < float("inf"):
            raise UsageError(
                f"{path}: tolerances: {key!r} is {value}; expected a number from 0 up in the metric's unit"
            )


def _gated(baseline: Baseline) -> set[str]:
    """The keys that a tolerance may have."""
    return {key for s in baseline.sets for m in s.metrics for key in (m.metric, f"{s.name} {m.metric}")}


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline atomically, one sample a line."""
    write_atomic(path, (chunk.encode() for chunk in _lines(baseline)))


def _lines(baseline: Baseline) -> Iterator[str]:
    yield "{\n"
    for field in ("schema", "model", "fingerprint", "tolerances"):
        yield f' "{field}": {_json(getattr(baseline, field))},\n'
    yield ' "sets": [\n'
    for index, entry in enumerate(baseline.sets):
        names = (f'"{field}": {_json(getattr(entry, field))}' for field in ("task", "dataset", "variant"))
        yield f"  {{{', '.join(names)},\n"
        yield '   "metrics": [\n' + ",\n".join(f"    {_json(metric)}" for metric in entry.metrics) + "],\n"
        yield '   "samples": [\n' + ",\n".join(f"    {_json(sample)}" for sample in entry.samples) + "]}"
        yield ",\n" if index + 1 < len(baseline.sets) else "\n"
    yield " ]\n}\n"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
