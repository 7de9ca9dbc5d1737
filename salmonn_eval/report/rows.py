"""Which values stand in one row of a table, and which may not."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue, Reading, Variant

UNKNOWN = "unknown"


class Question(NamedTuple):
    """What a row asks, whoever answers: everything but the scoring."""

    task: str
    dataset: str
    group: str | None
    variant: Variant
    metric: str


class Line(NamedTuple):
    """One row: a question scored one way. `values` by model and reading; `settings` tell it from its sisters."""

    question: Question
    settings: tuple[str, ...]
    values: dict[tuple[str, Reading], MetricValue]

    def first(self) -> MetricValue:
        """Any value of the row: they share metric, unit and direction."""
        return next(iter(self.values.values()))


def lines(values: Sequence[MetricValue]) -> list[Line]:
    """Group values into rows, headline metrics first within a dataset, otherwise in the order given.

    Raises:
        UsageError: two values claim one cell, or models in one row were scored (signature) or asked (`asked`)
            differently. `unknown` is let through.
    """
    grouped: dict[Question, dict[str, list[MetricValue]]] = {}
    drop_scale = _one_scale_per_model(values)
    for value in values:
        signatures = grouped.setdefault(_question(value, drop_scale), {})
        signatures.setdefault(value.signature or UNKNOWN, []).append(value)
    found = []
    for question, signatures in grouped.items():
        _refuse_mixed_scoring(question, signatures)
        _adopt_unknown(signatures)
        found += [
            Line(question, _distinguishing(signature, signatures), _cells(question, members))
            for signature, members in signatures.items()
        ]
    return _ordered(found)


def _question(value: MetricValue, drop_scale: bool) -> Question:
    asked = value.variant
    if drop_scale:
        asked = Variant(prompt_set=asked.prompt_set, condition=asked.condition, seed=asked.seed)
    return Question(value.task, value.dataset, value.group, asked, value.metric)


def _one_scale_per_model(values: Iterable[MetricValue]) -> bool:
    """A scale that a model never varies is a setting of that model, not another question."""
    scales: dict[str, set[float | None]] = {}
    for value in values:
        scales.setdefault(value.model, set()).add(value.variant.lora_scale)
    return all(len(found) == 1 for found in scales.values())


def _refuse_mixed_scoring(question: Question, signatures: dict[str, list[MetricValue]]) -> None:
    known = [v for s, members in signatures.items() if s != UNKNOWN for v in members if v.value is not None]
    for values in ([value for value in known if value.headline], known):
        by_model: dict[str, set[str]] = {}
        for value in values:
            by_model.setdefault(value.model, set()).add(value.signature)
        for (model_a, ways_a), (model_b, ways_b) in combinations(by_model.items(), 2):
            if not ways_a & ways_b:
                raise UsageError(
                    f"{_where(question)}: scored as {min(ways_a)} for {model_a} but as {min(ways_b)} for {model_b}; "
                    "one row holds one way of scoring: score both again with the same settings "
                    "(salmonn-eval score RUN) or show them apart"
                )


def _adopt_unknown(signatures: dict[str, list[MetricValue]]) -> None:
    """Values scored in an unknown way stand beside the headline way, where there is one."""
    known = sorted((s for s in signatures if s != UNKNOWN), key=lambda s: not any(v.headline for v in signatures[s]))
    if known and UNKNOWN in signatures:
        signatures[known[0]] += signatures.pop(UNKNOWN)


def _distinguishing(signature: str, signatures: Iterable[str]) -> tuple[str, ...]:
    """The settings of a signature that its sisters do not all have."""
    others = [set(other.split("|")) for other in signatures if other != signature]
    parts = signature.split("|")
    return tuple(part for part in parts if any(part not in other for other in others))


def _cells(question: Question, members: Sequence[MetricValue]) -> dict[tuple[str, Reading], MetricValue]:
    cells: dict[tuple[str, Reading], MetricValue] = {}
    asked: dict[str, str] = {}
    for value in members:
        if cells.setdefault((value.model, value.reading), value) is not value:
            raise UsageError(
                f"{_where(question)}: {value.model} has two values for the reading {value.reading!r}; "
                "give each run once, and two runs of one model under different names"
            )
        if value.value is not None and value.asked not in ("", UNKNOWN):
            asked.setdefault(value.asked, value.model)
    if len({value.unit for value in members}) > 1:
        units = ", ".join(f"{value.model} in {value.unit}" for value in members)
        raise UsageError(f"{_where(question)}: one row holds one unit, found {units}; convert them on import")
    if len(asked) > 1:
        (a, model_a), (b, model_b) = list(asked.items())[:2]
        raise UsageError(
            f"{_where(question)}: {model_a} was asked {a} but {model_b} {b}, another subset, instruction or condition; "
            "one row holds one question: run both on the same items with the same prompt set, or show them apart"
        )
    return cells


def _where(question: Question) -> str:
    return " ".join([question.task, question.dataset, *([question.group] if question.group else []), question.metric])


def _ordered(found: list[Line]) -> list[Line]:
    place: dict[object, int] = {}
    for line in found:
        place.setdefault(line.question[:2], len(place))
        place.setdefault(line.question[:4], len(place))

    def key(line: Line) -> tuple[int, bool, int, bool]:
        headline = any(value.headline for value in line.values.values())
        question = line.question
        return place[question[:2]], question.group is not None, place[question[:4]], not headline

    return sorted(found, key=key)
