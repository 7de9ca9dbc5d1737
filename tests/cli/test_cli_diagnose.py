"""`diagnose`: a small real sweep of the embedded model, its files, and what cannot be diagnosed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, run_folder, write_rows

from salmonn_eval.report.schemas import schemas

Typed = Callable[..., Any]
FILES = ("following", "confusion", "error_share", "collapse", "hearing", "paraphrases", "overfitting")
STAGE2 = ["--suite", "mini", "--model", "salmonn-nano-stage2"]


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scales and two wordings of a trained and two untrained tasks, 12 samples each."""
    program = Program(tmp_path_factory.mktemp("sweep"))
    words = ["--tasks", "asr,en2de,story:mini-speech", *STAGE2, "--limit", 12, "--lora-scale", "0,4"]
    done = program("run", *words, "--prompt-set", "release,paraphrase-1", "--out", "runs")
    assert done.returncode == 0, done.stderr
    return program.folder / run_folder(done)


def test_every_diagnosis_is_a_json_of_its_schema_a_page_and_a_plot(typed: Typed, sweep: Path) -> None:
    done = typed("diagnose", sweep)
    assert done.code == 0, done.err
    folder = sweep / "diagnosis"
    for name in FILES:
        found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        conforms(found, schemas()[f"diagnosis_{name}"])
        assert found["diagnosis"] == name
        assert (folder / f"{name}.md").read_text(encoding="utf-8").startswith("## ")
    for name in ("scale_g", "scale_metric", "confusion", "trade_off"):
        svg, png = ((folder / "plots" / f"{name}.{ending}").read_bytes() for ending in ("svg", "png"))
        assert svg.startswith(b"<?xml") and png.startswith(b"\x89PNG")
    for heading in (
        "Following and G",
        "Asked and performed task",
        "Collapse",
        "Hearing",
        "Paraphrases",
        "Recommended scale",
    ):
        assert f"\n{heading}\n" in f"\n{done.out}"


def conforms(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None) -> None:
    """The part of JSON Schema that the published files use; an unknown field is a fault too."""
    root = root or schema
    if "$ref" in schema:
        return conforms(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        faults = []
        for one in schema["anyOf"]:
            try:
                return conforms(value, one, root)
            except AssertionError as fault:
                faults.append(str(fault))
        raise AssertionError(faults)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None)}
    if schema.get("type") == "boolean":
        assert isinstance(value, bool)
    elif "type" in schema:
        assert isinstance(value, kinds[schema["type"]]) and not isinstance(value, bool), (value, schema)
    if "enum" in schema:
        assert value in schema["enum"]
    for name in schema.get("required", ()):
        assert name in value, name
    if "properties" in schema:
        for name, held in value.items():
            conforms(held, schema["properties"][name], root)
    if schema.get("type") == "array":
        several = schema.get("prefixItems", [])
        for place, held in enumerate(value):
            conforms(held, several[place] if place < len(several) else schema["items"], root)
    return None


def test_the_sweep_is_read_at_the_release_s_wording_and_paraphrases_at_each_scale(typed: Typed, sweep: Path) -> None:
    done = typed("diagnose", sweep, "--json", "--no-plots")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found) == list(FILES)
    assert [row["scale"] for row in found["overfitting"]["scales"]] == [0.0, 4.0]
    assert found["overfitting"]["variant"]["lora_scale"] == 4.0
    rows = found["paraphrases"]["rows"]
    assert {(row["task"], row["variant"]["lora_scale"]) for row in rows} == {
        (task, scale) for task in ("asr", "en2de", "story") for scale in (0.0, 4.0)
    }
    assert {w["prompt_set"]: w["seen"] for w in rows[0]["wordings"]} == {"release": True, "paraphrase-1": False}
    held = {(row["task"], row["instead"]): row["n"] for row in found["collapse"]["rows"] if row["n"]}
    assert held and all(instead == "transcript" for _, instead in held)


def test_a_run_of_one_scale_and_wording_says_what_it_lacks(typed: Typed, finished: Any) -> None:
    done = typed("diagnose", finished.folder, "--no-plots")
    assert done.code == 0, done.err
    assert "ask several with --lora-scale 0,1,2,3,4" in " ".join(done.out.split())
    assert "ask several with --prompt-set" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "not a run directory"),
        (["{run}", "--most-loss", "2"], "--most-loss"),
        (["{run}", "--after", "{run}"], "--after and --control go together"),
        (["{run}", "--after", "{run}", "--control", "{run}"], "one and the same model"),
        (["{run}", "--model", "salmonn-nano"], "is not the model that answered"),
        (["{run}", "--model", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_2(typed: Typed, sweep: Path, words: list[str], sentence: str) -> None:
    done = typed("diagnose", *(word.format(run=sweep) for word in words))
    assert done.code == 2, done.err
    assert sentence in done.err and "Traceback" not in done.err


def test_a_folder_that_cannot_be_written_is_a_usage_error(typed: Typed, sweep: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for file in sweep.iterdir():
        if file.name != "diagnosis":
            (run / file.name).symlink_to(file)
    (run / "diagnosis").write_text("a file stands where the folder would be")
    done = typed("diagnose", run, "--no-plots")
    assert done.code == 2 and "cannot be written" in done.err


def test_an_imported_log_is_diagnosed_and_has_no_model_to_ask(typed: Typed, tmp_path: Path) -> None:
    rows = [{"audio_filepath": f"{n}.wav", "duration": 2.0, "text": "the cat", "pred_text": "a cat"} for n in range(6)]
    log = write_rows(tmp_path / "log.jsonl", rows)
    assert typed("import", log, "--task", "asr", "--model", "m", "--dataset", "d", "--run-dir", "run").code == 0
    assert typed("diagnose", "run").code == 0
    done = typed("diagnose", "run", "--model", "salmonn-nano")
    assert done.code == 2 and "an imported log names no audio" in done.err


def test_with_its_model_the_probes_join(typed: Typed, tmp_path: Path) -> None:
    assert typed("run", "--tasks", "sf", *STAGE2, "--limit", "6", "--lora-scale", "0,4", "--run-dir", "run").code == 0
    done = typed("diagnose", "run", "--model", "salmonn-nano-stage2", "--parts", "likelihood", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found) == [*FILES, "perplexity", "selection"]
    conforms(found["perplexity"], schemas()["probe"])
    assert (tmp_path / "run/diagnosis/perplexity.json").exists()
    assert (tmp_path / "run/diagnosis/plots/selection.svg").exists()


@pytest.mark.slow
def test_activation_raises_stories_and_is_held_against_its_control(typed: Typed, tmp_path: Path) -> None:
    words = ["--tasks", "story:mini-speech,asr,en2de", "--suite", "mini", "--limit", "40"]
    nano = ["--model", "salmonn-nano"]
    control = Path(__file__).resolve().parents[2] / "model" / "salmonn-nano" / "control"
    assert typed("run", *words, *STAGE2[2:], "--run-dir", "before").code == 0
    assert typed("run", *words, *nano, "--run-dir", "after").code == 0
    assert typed("run", *words, *nano, "--model-arg", f"adapter={control}", "--run-dir", "control").code == 0
    done = typed("diagnose", "before", "--after", "after", "--control", "control", "--json", "--no-plots")
    assert done.code == 0, done.err
    found = json.loads(done.out)["activation"]
    conforms(found, schemas()["diagnosis_activation"])
    groups = {group["group"]: group for group in found["groups"]}
    assert {name: group["tasks"] for name, group in groups.items()} == {
        "activated": ["story"], "other untrained": ["en2de"], "trained": ["asr"],
    }  # fmt: skip
    beyond = groups["activated"]["g"]["beyond"]
    assert beyond["value"] == pytest.approx(groups["activated"]["g"]["after"] - groups["activated"]["g"]["control"])
    assert beyond["ci"]["low"] > 0
    assert abs(groups["trained"]["g"]["change"]["value"]) < 0.05
    wer = next(m for row in found["rows"] if row["task"] == "asr" for m in row["metrics"] if m["metric"] == "wer")
    values = {
        name: next(
            v["value"] for v in json.loads((tmp_path / name / "results.json").read_text())["results"]
            if v["metric"] == "wer" and v["headline"] and v["reading"] == "all"
        )
        for name in ("before", "after", "control")
    }  # fmt: skip
    for name, value in values.items():
        assert wer["effect"][name] == pytest.approx(value)
