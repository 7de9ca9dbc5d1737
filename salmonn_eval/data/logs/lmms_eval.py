"""Sample logs of EvolvingLMMs-Lab's lmms-eval: `<date>_samples_<task>.jsonl`, written with `--log_samples`.

Each row: `doc_id` (a row number), `input` (the prompt), `target`, `filtered_resps` (a text, or a list of one), and
`resps` only where it differs from the filtered one. The document itself is not logged. `doc_hash` is no identity: in
published logs different questions share one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salmonn_eval.data.logs.harness import answer, documents, references, told_beside
from salmonn_eval.data.logs.item import LogFormat, LogItem

_USED = ("input", "resps", "filtered_resps", "target", "doc_id", "doc_hash", "prompt_hash", "target_hash")
_FILE_NAME = re.compile(r"(?P<date>\d{8}_\d{6})_samples_(?P<task>.+)\.jsonl(\.gz)?")


def _recognises(row: dict[str, Any]) -> bool:
    return "doc_id" in row and "filtered_resps" in row and "arguments" not in row


def _items(path: Path) -> Iterator[LogItem]:
    for row in documents(path):
        texts, prompt, prediction = references(row), row.first("input"), answer(row)
        prompt = prompt if isinstance(prompt, str) else None
        yield LogItem(
            id=None,
            prediction=prediction,
            references=texts,
            instruction=prompt,
            audio=_medium(row.first("input_media")),
            fields=row.rest(*_USED),
            error="the log holds no prediction" if prediction is None else None,
            hashed=(*texts, prompt or ""),
        )


def _medium(media: Any) -> str | None:
    """The name of the one medium that newer versions log."""
    return media[0] if isinstance(media, list) and len(media) == 1 and isinstance(media[0], str) else None


def _about(path: Path) -> dict[str, str]:
    about = {"tool": "lmms-eval"}
    if found := _FILE_NAME.fullmatch(path.name):
        about |= {"task": found["task"], "date": found["date"]}
        about |= told_beside(path.with_name(f"{found['date']}_results.json"))
    return about


FORMAT = LogFormat("lmms-eval", "lmms-eval sample log", _recognises, _items, _about)
