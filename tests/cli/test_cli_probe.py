"""`probe`: diagnoses that ask a model, of a run's test sets or of named ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import write_rows

Typed = Callable[..., Any]


def test_named_test_sets_at_named_scales(typed: Typed, tmp_path: Path) -> None:
    words = ["--tasks", "sf", "--limit", "2", "--lora-scales", "0,4", "--parts", "likelihood", "--out", "here"]
    done = typed("probe", *words)
    assert done.code == 0, done.err
    assert "# perplexity: salmonn-nano-stage2" in done.out and "# selection: salmonn-nano-stage2" in done.out
    found = json.loads((tmp_path / "here/perplexity.json").read_bytes())
    assert {(row["scale"], row["n"]) for row in found["findings"]} == {(0.0, 2), (4.0, 2)}
    for name in ("perplexity", "selection"):
        svg, png = ((tmp_path / f"here/plots/{name}.{ending}").read_bytes() for ending in ("svg", "png"))
        assert svg.startswith(b"<?xml") and png.startswith(b"\x89PNG") and b"sf" in svg
    other = typed("probe", *words, "--seed", "1")
    assert other.code == 2 and "holds the probe of another model or of other tasks" in other.err


def test_a_run_s_model_and_test_sets_and_no_condition_of_it(typed: Typed, tmp_path: Path) -> None:
    asked = ["--tasks", "sf", "--suite", "mini", "--model", "salmonn-nano-stage2", "--limit", "2"]
    assert typed("run", *asked, "--condition", "silence,none", "--run-dir", "run").code == 0
    done = typed("probe", "run", "--parts", "likelihood", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [one["diagnosis"] for one in found["diagnoses"]] == ["perplexity", "selection"]
    again = typed("probe", "--tasks", "sf", "--limit", "2", "--lora-scales", "4", "--parts", "likelihood", "--out", "b")
    assert again.code == 0
    assert (tmp_path / "run/diagnosis/perplexity.json").read_bytes() == (tmp_path / "b/perplexity.json").read_bytes()


@pytest.mark.slow
def test_a_model_without_adapter_and_log_probabilities_is_told_what_cannot_be(typed: Typed) -> None:
    words = ["--tasks", "asr", "--suite", "mini-real", "--model", "pocketsphinx", "--limit", "1"]
    done = typed("probe", *words, "--out", "here")
    assert done.code == 0, done.err
    assert "`pocketsphinx` has no adapter" in done.err and "forgetting, cannot be" in done.err
    assert "gives no log-probabilities" in done.out and "has no adapter" in done.out
    assert "hallucination_rate" in done.out


def test_an_imported_log_has_no_model(typed: Typed, tmp_path: Path) -> None:
    rows = [{"audio_filepath": "1.wav", "duration": 2.0, "text": "the cat", "pred_text": "a cat"}]
    log = write_rows(tmp_path / "log.jsonl", rows)
    assert typed("import", log, "--task", "asr", "--model", "m", "--dataset", "d", "--run-dir", "run").code == 0
    done = typed("probe", "run")
    assert done.code == 2 and "an imported log has no model to ask" in done.err


def test_an_unknown_part_is_refused(typed: Typed) -> None:
    done = typed("probe", "--tasks", "sf", "--limit", "1", "--parts", "everything")
    assert done.code == 2 and "expected some of likelihood, forgetting, hallucination, collapse" in done.err
