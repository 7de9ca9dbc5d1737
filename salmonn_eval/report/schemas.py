"""JSON Schemas of the files in a run folder, and of a baseline, generated from the records."""

from typing import Any

import msgspec

from salmonn_eval.diagnose.activation import Activation
from salmonn_eval.diagnose.collapse import Collapse
from salmonn_eval.diagnose.confusion import Confusion
from salmonn_eval.diagnose.error_share import ErrorShare
from salmonn_eval.diagnose.following import Following
from salmonn_eval.diagnose.hearing import Hearing
from salmonn_eval.diagnose.overfitting import Overfitting
from salmonn_eval.diagnose.paraphrases import Paraphrases
from salmonn_eval.engine.events import Event
from salmonn_eval.engine.plan import PlanRow
from salmonn_eval.engine.results import Results
from salmonn_eval.engine.rundir import RunFile
from salmonn_eval.engine.scoring import ScoreRow
from salmonn_eval.probes.finding import Diagnosis
from salmonn_eval.records import Prediction, Sample
from salmonn_eval.report.baseline import Baseline

_SHAPES: dict[str, tuple[type, str]] = {
    "run": (RunFile, "run.json: what a run is; its `schema` holds for all files of the folder"),
    "results": (Results, "results.json: every metric of a run, in plan order"),
    "plan_row": (PlanRow, "one line of plan.jsonl"),
    "prediction": (Prediction, "one line of predictions/TASK.DATASET.jsonl"),
    "sample": (Sample, "one line of samples/TASK.DATASET.jsonl"),
    "score_row": (ScoreRow, "one line of scores/TASK.DATASET.jsonl"),
    "baseline": (Baseline, "what `check` holds a run against; `tolerances` is for people to edit"),
    "probe": (Diagnosis, "one diagnosis of `probe`: perplexity, selection, forgetting, hallucination or collapse"),
    **{
        f"diagnosis_{name}": (shape, f"diagnosis/{name}.json of `diagnose`")
        for name, shape in (
            ("following", Following),
            ("confusion", Confusion),
            ("error_share", ErrorShare),
            ("collapse", Collapse),
            ("hearing", Hearing),
            ("paraphrases", Paraphrases),
            ("overfitting", Overfitting),
            ("activation", Activation),
        )
    },
    "event": (Event, "one line of events.jsonl"),
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Schemas (JSON Schema 2020-12) by name; the copies in `docs/schemas/` are these."""
    made = {
        name: {"$schema": _DIALECT, "title": title, **msgspec.json.schema(shape)}
        for name, (shape, title) in _SHAPES.items()
    }
    return msgspec.json.decode(msgspec.json.encode(made), type=dict[str, dict[str, Any]])  # tuples become lists
