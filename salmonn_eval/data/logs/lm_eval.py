"""Sample logs of EleutherAI's lm-evaluation-harness: `samples_<task>_<date>.jsonl`, written with `--log_samples`.

Each row: `doc_id` (a row number), `doc`, `target`, `arguments` (the prompt and the generation settings), `resps` (raw
answers, one list per request), `filtered_resps`, `filter`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salmonn_eval.data.logs.harness import answer, documents, references, told_beside
from salmonn_eval.data.logs.item import LogFormat, LogItem

_USED = ("arguments", "resps", "filtered_resps", "target", "doc_id", "filter", "doc_hash", "prompt_hash", "target_hash")
_FILE_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl(\.gz)?")


def _recognises(row: dict[str, Any]) -> bool:
    return "doc_id" in row and "resps" in row and "arguments" in row


def _items(path: Path) -> Iterator[LogItem]:
    for row in documents(path):
        texts, prediction = references(row), answer(row)
        prompt, settings = _request(row.data.get("arguments"))
        document = row.data.get("doc")
        own = document.get("id") if isinstance(document, dict) else None
        yield LogItem(
            id=str(own) if isinstance(own, str | int) else None,
            prediction=prediction,
            references=texts,
            instruction=prompt,
            fields=row.rest(*_USED) | ({"generation": settings} if settings else {}),
            error="the log holds no prediction" if prediction is None else None,
            hashed=(*texts, prompt or ""),
        )


def _request(arguments: Any) -> tuple[str | None, dict[str, Any]]:
    """Prompt and settings of the first request: `{gen_args_0: {arg_0, arg_1}}`, in older logs `[[arg_0, arg_1]]`."""
    first = next(iter(_values(arguments)), None)
    parts = _values(first)
    prompt = parts[0] if parts and isinstance(parts[0], str) else None
    return prompt, next((part for part in parts[1:2] if isinstance(part, dict)), {})


def _values(nested: Any) -> list[Any]:
    return list(nested.values()) if isinstance(nested, dict) else nested if isinstance(nested, list) else []


def _about(path: Path) -> dict[str, str]:
    about = {"tool": "lm-evaluation-harness"}
    if found := _FILE_NAME.fullmatch(path.name):
        about |= {"task": found["task"], "date": found["date"]}
        about |= told_beside(path.with_name(f"results_{found['date']}.json"))
    return about


FORMAT = LogFormat("lm-eval", "lm-evaluation-harness sample log", _recognises, _items, _about)
