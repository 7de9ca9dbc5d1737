"""What the sample logs of lm-evaluation-harness and of its descendant lmms-eval have in common."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval.data.logs.source import Row, rows
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole


class _Results(Struct, frozen=True):
    """The part of the aggregated results file, which lies beside the samples, that says how a log was made."""

    model_name: str | None = None
    model_source: str | None = None
    git_hash: str | None = None


def documents(path: Path) -> Iterator[Row]:
    """The log's rows, each document once.

    A task with several answer filters is logged once per filter with the same answers: the first filter's rows are
    kept. Any other repetition of a `doc_id` raises UsageError.
    """
    seen: set[str] = set()
    kept: Any = None
    for row in rows(path):
        if not seen:
            kept = row.data.get("filter")
        if row.data.get("filter") != kept:
            continue
        if "doc_id" not in row.data:
            raise UsageError(f"{row.where}: key 'doc_id' is missing; expected a sample log written with --log_samples")
        document = str(row.data["doc_id"])
        if document in seen:
            raise UsageError(f"{row.where}: document {document} appears twice; expected one answer per document")
        seen.add(document)
        yield row


def references(row: Row) -> tuple[str, ...]:
    """The target's texts. The tools write `str(target)`, so a list of strings appears in Python's notation."""
    target = row.text("target")
    if not target.startswith(("[", "(")):
        return (target,)
    try:
        value = ast.literal_eval(target)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (target,)
    several = isinstance(value, list | tuple) and value and all(isinstance(text, str) for text in value)
    return tuple(value) if several else (target,)


def answer(row: Row) -> str | None:
    """The model's own words: `resps` before any filter, else `filtered_resps`; None where the list is empty or null.

    Raises UsageError for log-likelihoods (no words were produced) and for several answers to one document.
    """
    value = row.first("resps", "filtered_resps")
    if value is None and not any(key in row.data for key in ("resps", "filtered_resps")):
        row.text("resps", "filtered_resps")
    depth = 0
    while isinstance(value, list) and value:
        if len(value) > 1 or depth == 2:
            raise UsageError(
                f"{row.where}: holds {'log-likelihoods' if _likelihoods(value, depth) else f'{len(value)} answers'}; "
                "expected one generated text per document"
            )
        value, depth = value[0], depth + 1
    if value is None or value == []:
        return None
    if not isinstance(value, str):
        raise UsageError(f"{row.where}: the answer is {value!r}, expected a text")
    return value


def _likelihoods(value: list[Any], depth: int) -> bool:
    """(log-likelihood, is greedy) pairs nest one level deeper than texts, or pair a number with a truth value."""
    while isinstance(value[0], list) and value[0]:
        value, depth = value[0], depth + 1
    return depth >= 2 or (len(value) == 2 and str(value[1]) in ("True", "False"))


def told_beside(results: Path) -> dict[str, str]:
    """What the aggregated results file says of the run; nothing where it is not beside the samples."""
    if not results.is_file():
        return {}
    found = read_whole(results, _Results, what="aggregated results file")
    told = {"model": found.model_name, "model_source": found.model_source, "git": found.git_hash}
    return {key: value for key, value in told.items() if value}
