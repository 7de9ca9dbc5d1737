"""Runs that a page is made of: recorded answers, hostile ones among them, and the page's data read back."""

import json
import re
from pathlib import Path
from typing import Any

from paired_runs import Row, answered, right

from salmonn_eval.report.page.build import Page, page
from salmonn_eval.report.page.heard import Heard, folder_of

HOSTILE = (
    "<script>document.title='taken'</script>",
    "</script><img src=x onerror=\"document.title='taken'\">",
    "</textarea><svg onload=alert(1)>",
    "\\input{/etc/passwd} $x$ | a | b |",
    "one\u2028two\u2029three &lt;b&gt; {{style}}",
)


def hostile(answers: list[Row]) -> list[Row]:
    """The answers, the first of which are hostile; the one after them failed."""
    marred = [{**row, "prediction": text} for row, text in zip(answers, HOSTILE, strict=False)]
    failed = {key: value for key, value in answers[len(HOSTILE)].items() if key != "prediction"}
    return [*marred, {**failed, "error": "<b>out of memory</b>"}, *answers[len(HOSTILE) + 1 :]]


def run_of(path: Path, answers: list[Row] | None = None) -> Path:
    """A run over the embedded recordings."""
    return answered(path, right() if answers is None else answers)


def page_of(*runs: Path, cap: int = 20_000_000) -> tuple[Page, dict[str, Any], Heard]:
    """The page, its data as its scripts read it, and what became of its sounds."""
    heard = Heard(folder_of(runs[0] / "report.html"), cap)
    made = page(list(runs), heard, lambda _: None)
    (runs[0] / "report.html").write_text(made.text, encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', made.text, re.DOTALL)
    assert found is not None
    return made, json.loads(found[1]), heard
