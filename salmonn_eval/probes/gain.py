"""G of one answer: whether it follows its instruction, times how good it is in [0, 1] by the task's `item_score`."""

from collections.abc import Callable, Mapping

from salmonn_eval.engine.joined import Item
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.scoring import ScoreRow
from salmonn_eval.engine.spec import Question
from salmonn_eval.jsonl import read_rows
from salmonn_eval.probes.asked import items
from salmonn_eval.tasks.spec import ItemScore

Rows = Mapping[str, ScoreRow]
"""One answer's score rows by metric; of several settings of a metric the first."""

_BESIDE = {"following_rate", "fr_paper", "diversity", "distinct_100", "repeat_rate", "eos_rate"}


def _hit(question: Question, rows: Rows, item: Item) -> float | None:
    """The task's own accuracy of this answer."""
    row = next((rows[metric.name] for metric in question.metrics if metric.name not in _BESIDE), None)
    return None if row is None or row.status != "scored" else row.value


def _one_minus_error(question: Question, rows: Rows, item: Item) -> float | None:
    row = next((rows[metric.name] for metric in question.metrics if metric.name not in _BESIDE), None)
    if row is None or row.status != "scored" or not row.stats[1]:
        return None
    return max(0.0, 1 - row.stats[0] / row.stats[1])


def _chrf(question: Question, rows: Rows, item: Item) -> float | None:
    """Sentence chrF / 100 (Popović 2015), as sacrebleu counts it."""
    import sacrebleu

    text = item.prediction.text if item.prediction else None
    return sacrebleu.sentence_chrf(text or "", list(item.sample.references)).score / 100


def _points(name: str) -> Callable[[Question, Rows, Item], float | None]:
    def score(question: Question, rows: Rows, item: Item) -> float | None:
        row = rows.get(name)
        return None if row is None or row.value is None else row.value / 100

    return score


def _grounding(question: Question, rows: Rows, item: Item) -> float | None:
    row = rows.get("grounding")
    return None if row is None else row.value


SCORES: Mapping[ItemScore, Callable[[Question, Rows, Item], float | None]] = {
    "hit": _hit,
    "chrf": _chrf,
    "one_minus_error": _one_minus_error,
    "rouge_l": _points("rouge_l"),
    "grounding": _grounding,
}


def gains(run: RunDirectory, question: Question) -> dict[str, float]:
    """G by request key; an answer that does not follow, or of which that is undetermined, has 0.

    Answers that are not scored are left out.
    """
    rows: dict[str, dict[str, ScoreRow]] = {}
    for _, row in read_rows(run.scores(question.name), ScoreRow, what="score row"):
        rows.setdefault(row.key, {}).setdefault(row.metric, row)
    score = SCORES[question.task.item_score]
    found: dict[str, float] = {}
    for item in items(run, question.name):
        mine = rows.get(item.row.request.key, {})
        followed = mine["following_rate"].followed if "following_rate" in mine else "undetermined"
        value = score(question, mine, item)
        if value is not None:
            found[item.row.request.key] = min(1.0, max(0.0, value)) if followed == "yes" else 0.0
    return found
