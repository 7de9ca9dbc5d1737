"""Opening a log: naming its format, or recognising it from the first row."""

from collections.abc import Mapping
from pathlib import Path

from salmonn_eval.data.logs import audiobench, lm_eval, lmms_eval, nemo
from salmonn_eval.data.logs.item import LogFormat, LogReading
from salmonn_eval.data.logs.source import rows, whole
from salmonn_eval.errors import UsageError

FORMATS: Mapping[str, LogFormat] = {
    form.name: form for form in (audiobench.FORMAT, nemo.FORMAT, lm_eval.FORMAT, lmms_eval.FORMAT)
}


def read_log(path: Path, format: str | None = None) -> LogReading:
    """Read a result file of another tool as a stream of items; `format` None recognises it by its first row.

    JSON Lines are streamed in constant memory but for the ids; a JSON document is loaded whole. A fault in a row is
    raised as UsageError (file and line) when the stream reaches it.

    Raises:
        UsageError: the file cannot be read, is empty, or is of no or several known formats.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"log format {format!r} is not known; choose one of {', '.join(FORMATS)}")
    form = FORMATS[format] if format is not None else _recognise(path)
    return LogReading(path, form.name, form.items(path), form.about(path))


def _recognise(path: Path) -> LogFormat:
    row = _first_row(path)
    found = [form for form in FORMATS.values() if form.recognises(row)]
    if len(found) != 1:
        known = "; ".join(f"{form.name} ({form.title})" for form in FORMATS.values())
        matches = f"fits {' and '.join(form.name for form in found)}" if found else "fits no known format"
        raise UsageError(f"{path}: the first row {matches} (keys: {', '.join(row)}); name the format, one of {known}")
    return found[0]


def _first_row(path: Path) -> dict[str, object]:
    if audiobench.is_document(path):
        listed = audiobench.listed(whole(path), path)
        first = listed[0] if listed else None
    else:
        first = next((row.data for row in rows(path)), None)
    if not isinstance(first, dict):
        raise UsageError(f"{path}: holds no rows; expected a result file of one of {', '.join(FORMATS)}")
    return first
