"""Runs of recorded answers over the embedded real test set: what comparisons and the gate are tried on."""

import json
import threading
from pathlib import Path
from typing import Any

import msgspec

from salmonn_eval.bundled import bundled
from salmonn_eval.engine.executor import LocalExecutor
from salmonn_eval.engine.predict import Silent
from salmonn_eval.engine.run import execute
from salmonn_eval.engine.spec import MaxErrors, RunOptions
from salmonn_eval.engine.specify import Wishes, specify
from salmonn_eval.models import registry
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import select

Row = dict[str, Any]


def rows(file: str = "mini-real/asr") -> list[Row]:
    """The lines of an embedded test set."""
    lines = (bundled("tasks") / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def right(file: str = "mini-real/asr", **selectors: object) -> list[Row]:
    """The gold answer to every sample."""
    return [
        {"id": row["id"], "prediction": (row.get("labels") or row["references"])[0], **selectors} for row in rows(file)
    ]


def shortened(answers: list[Row], every: int) -> list[Row]:
    """The same answers, each `every`-th (from the first) without its last word."""
    return [
        {**row, "prediction": row["prediction"].rpartition(" ")[0]} if number % every == 0 else row
        for number, row in enumerate(answers)
    ]


def answered(
    path: Path,
    answers: list[Row],
    tasks: str = "asr:mini-real",
    suite: str = "mini-real",
    *,
    adapter: float | None = None,
    **wishes: Any,
) -> Path:
    """A run in `path` of these answers; up to half of them may be errors.

    With `adapter` they are those of a model whose adapter has this scale, so that others can be asked too.
    """
    file = path.with_suffix(".jsonl")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in answers), encoding="utf-8")
    card = registry.resolve("replay", {"answers": str(file)})
    if adapter is not None:
        able = msgspec.structs.replace(card.capabilities, lora_scale="per_row")
        card = msgspec.structs.replace(card, capabilities=able, default_lora_scale=adapter)
    spec = specify(select(discover(), tasks.split(","), suite), card, Wishes(suite, tasks, **wishes))
    own = registry.load(card, device="cpu", dtype=card.dtype, batch_size=None)
    options = RunOptions(out=path.parent, run_dir=path, max_errors=MaxErrors(share=0.5))
    execute(spec, options, lambda note: LocalExecutor(own, note=note), Silent(), threading.Event())
    return path
