"""`report`: the file it writes, what it says of it, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import right_answers, write_rows

Typed = Callable[..., Any]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("answers") / "gold.jsonl", right_answers())


def asked(typed: Typed, answers: Path, *words: object) -> None:
    replay = ["--model", "replay", "--model-arg", f"answers={answers}"]
    assert typed("run", "--tasks", "asr", "--limit", "4", *replay, *words).code == 0


def test_a_page_is_written_into_the_run_or_where_one_says(typed: Typed, replayed: Path, tmp_path: Path) -> None:
    asked(typed, replayed, "--run-dir", "run")
    done = typed("report", "run")
    assert done.code == 0, done.err
    assert done.out.startswith("report: run/report.html (") and "4 samples, 4 answers, 4 sounds in the page" in done.out
    assert (tmp_path / "run/report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    done = typed("report", "run", "-o", "one page.html", "--audio-cap", "0.03", "--no-plots")
    assert "one page-audio/, which belongs beside it" in done.out and "<figure" not in Path("one page.html").read_text()
    told = json.loads(typed("report", "run", "-o", "one page.html", "--no-audio", "--json").out)
    assert told == {
        "page": "one page.html", "samples": 4, "answers": 4, "size": Path("one page.html").stat().st_size,
        "held": 0, "linked": 0, "absent": 4,
    }  # fmt: skip


def test_an_imported_log_has_a_page_without_audio(typed: Typed, tmp_path: Path) -> None:
    rows = [{"audio_filepath": f"{n}.wav", "duration": 2.0, "text": "the cat", "pred_text": "a cat"} for n in range(6)]
    log = write_rows(tmp_path / "log.jsonl", rows)
    assert typed("import", log, "--task", "asr", "--model", "m", "--dataset", "d", "--run-dir", "run").code == 0
    done = typed("report", "run")
    assert done.code == 0 and "6 samples, 6 answers)" in done.out


def test_names_and_ids_are_text_wherever_they_stand(typed: Typed, tmp_path: Path) -> None:
    bad = "</title><script>hit()</script>"
    rows = [{"id": f"{bad}{n}", "prediction": "W IY1 AO1 L F AO1 L D", "reference": bad} for n in range(6)]
    log = write_rows(tmp_path / "log.jsonl", rows)
    done = typed("import", log, "--task", "asr", "--model", bad, "--dataset", "d", "--run-dir", "run")
    assert done.code == 0, done.err
    assert typed("report", "run").code == 0
    page = (tmp_path / "run/report.html").read_text()
    assert '<h1 dir="auto">&lt;/title&gt;&lt;script&gt;hit()&lt;/script&gt;</h1>' in page
    assert "<script>hit" not in page and "</title><" not in page.replace("</title>\n", "")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nowhere"], 2, "nowhere: not a run directory"),
        (["nowhere", "-o", "page.html"], 2, "nowhere: not a run directory (no run.json)"),
        (["run", "nowhere"], 2, "nowhere: not a run directory"),
        (["run", "-o", "no/such/page.html"], 2, "there is no folder no/such"),
        (["run", "-o", "run"], 2, "run: is a folder; expected the page's file"),
        (["run", "run"], 2, "has two values"),
        (["run", "--common"], 2, "--common needs another run"),
        (["run", "--audio-cap", "-1"], 2, "--audio-cap"),
        (["stopped"], 3, "the run is interrupted, not done"),
        (["run", "fewer"], 2, "one row holds one question"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    typed: Typed, replayed: Path, words: list[str], code: int, sentence: str, tmp_path: Path
) -> None:
    for name, more in (("run", ()), ("stopped", ()), ("fewer", ("--limit", "2"))):
        if name in words:
            asked(typed, replayed, "--run-dir", name, *more)
    if "stopped" in words:
        state = json.loads((tmp_path / "stopped/run.json").read_text())
        (tmp_path / "stopped/run.json").write_text(json.dumps({**state, "status": "interrupted"}))
    done = typed("report", *words)
    assert done.code == code, done.err
    assert sentence in done.err and done.err.count("\n") == 1
    assert not list(tmp_path.rglob("*.html"))
