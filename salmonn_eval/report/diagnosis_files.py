"""A run's `diagnosis/` folder: every diagnosis as JSON and as Markdown."""

from pathlib import Path

import msgspec

from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import write_atomic, write_json
from salmonn_eval.report.diagnoses import as_markdown, sections


def each(found: Diagnoses) -> dict[str, msgspec.Struct]:
    """The diagnoses by name, in order; those that the run does not allow are left out."""
    named = (getattr(found, field) for field in found.__struct_fields__)
    return {one.diagnosis: one for one in named if isinstance(one, msgspec.Struct) and hasattr(one, "diagnosis")}


def write(run: Path, found: Diagnoses) -> Path:
    """Write `diagnosis/NAME.json` and `.md`, each atomically, and say where; UsageError where that cannot be."""
    folder = run / "diagnosis"
    try:
        for name, one in each(found).items():
            write_json(folder / f"{name}.json", one)
            write_atomic(folder / f"{name}.md", [as_markdown(sections(one)).encode()])
    except OSError as fault:
        raise UsageError(
            f"{folder}: cannot be written ({fault.strerror}); copy the run to a writable folder"
        ) from fault
    return folder
