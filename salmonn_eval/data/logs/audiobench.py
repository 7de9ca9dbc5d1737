"""Result files of AudioBench (github.com/AudioLLMs/AudioBench).

Four layouts: the prediction file (a list of `reference` or `answer`, `instruction` or `text`, `model_prediction`), the
word error file (`sample_wer`: normalised `reference` and `prediction`), the judged file (`details`: `question`,
`reference`, `model_prediction`), and JSON Lines of any of these rows. None has ids, only a row order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salmonn_eval.data.logs.item import LogFormat, LogItem
from salmonn_eval.data.logs.source import Row, decode, lines, rows, whole
from salmonn_eval.errors import UsageError

_REFERENCE = ("reference", "answer")
_PREDICTION = ("model_prediction", "prediction")
_INSTRUCTION = ("instruction", "question", "text")
_USED = (*_REFERENCE, *_PREDICTION, *_INSTRUCTION, "index")


def _recognises(row: dict[str, Any]) -> bool:
    return any(key in row for key in _PREDICTION) and any(key in row for key in _REFERENCE)


def _items(path: Path) -> Iterator[LogItem]:
    for row in _rows(path):
        prediction = row.optional_text(*_PREDICTION)
        yield LogItem(
            id=None,
            prediction=prediction,
            references=(row.text(*_REFERENCE),),
            instruction=row.optional_text(*_INSTRUCTION),
            fields=row.rest(*_USED),
            error="the log holds no prediction" if prediction is None else None,
        )


def _rows(path: Path) -> Iterator[Row]:
    if not is_document(path):
        yield from rows(path)
        return
    for number, value in enumerate(listed(whole(path), path), start=1):
        where = f"{path}: item {number}"
        if not isinstance(value, dict):
            raise UsageError(
                f"{where}: a JSON {type(value).__name__}, expected an object with a prediction and a reference"
            )
        yield Row(where, value)


def is_document(path: Path) -> bool:
    """Whether the file is one JSON document rather than JSON Lines: its first line is a part of it, or all of it."""
    first = next((line for _, line in lines(path)), b"")
    if first.strip() in (b"[", b"{"):
        return True
    value = decode(first, f"{path}:1") if first else {}
    return isinstance(value, list) or _sample_lists(value) != []


def listed(document: Any, path: Path) -> list[Any]:
    """The per-sample rows of a document; UsageError where it holds only totals."""
    found = [document] if isinstance(document, list) else _sample_lists(document)
    if len(found) != 1:
        keys = ", ".join(document) if isinstance(document, dict) else type(document).__name__
        raise UsageError(
            f"{path}: holds no list of samples (found {keys}); expected 'sample_wer' or 'details', "
            "or the prediction file that lies beside the score"
        )
    return found[0]


def _sample_lists(document: Any) -> list[list[Any]]:
    if not isinstance(document, dict):
        return []
    return [v for k, v in document.items() if isinstance(v, list) and (k == "details" or k.startswith("sample_"))]


def _about(path: Path) -> dict[str, str]:
    about = {"tool": "AudioBench"}
    document = whole(path) if is_document(path) else None
    if isinstance(document, dict):
        about |= {f"reported.{key}": repr(value) for key, value in document.items() if isinstance(value, int | float)}
    first = next(_rows(path), None)
    if first is not None and {"wer", "prediction"} <= first.data.keys():
        about["texts"] = "normalised by the tool, which writes the word 'empty' for an empty text"
    return about


FORMAT = LogFormat("audiobench", "AudioBench prediction, score or judge file", _recognises, _items, _about)
