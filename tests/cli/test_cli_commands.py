"""What the other commands print and leave behind."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, last_sentence, mini_real, right_answers, run_folder

SECRETS = {"HF_TOKEN": "hf_" + "aB3" * 12, "OPENAI_API_KEY": "sk-" + "xY7" * 12}


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "models"],
        ["list", "metrics"],
        ["show", "asr"],
        ["show", "whisper"],
        ["show", "RUN"],
        ["show", "RUN", "--sample", "SAMPLE"],
        ["table", "RUN"],
    ],
    ids=" ".join,
)
def test_json_output_is_json_and_nothing_else(finished: Any, typed: Any, words: list[str]) -> None:
    given = [{"RUN": str(finished.folder), "SAMPLE": finished.sample}.get(word, word) for word in words]
    code, out, err = typed(*given, "--json")
    assert code == 0, err
    assert json.loads(out)


def test_predict_names_its_run_as_json(program: Program) -> None:
    done = program("predict", "--tasks", "asr", *program.replay(right_answers()), "--out", "runs", "--json")
    folder = Path(json.loads(done.stdout)["run"])
    assert (program.folder / folder / "plan.jsonl").exists()
    assert not (program.folder / folder / "results.json").exists()


def test_show_prints_one_sample_whole(finished: Any, typed: Any) -> None:
    code, out, _ = typed("show", finished.folder, "--sample", finished.sample)
    assert code == 0
    row = mini_real()[0]
    for part in (row["references"][0], "W IY1 AO1", "Recognize the speech", "wer|norm:whisper-en", "followed no"):
        assert part in out
    code, _, err = typed("show", finished.folder, "--sample", "nobody")
    assert code == 2
    assert "--sample nobody: not among the planned samples" in err


def test_a_dry_run_writes_nothing(program: Program) -> None:
    words = program.listener("--tasks", "asr,gr", "--condition", "none,silence", "--limit", "4")
    before = {path for path in program.folder.rglob("*") if "cache" not in path.parts}
    done = program("run", "--dry-run", *words)
    assert done.returncode == 0
    assert "asr.mini-real: 4 of 78 samples" in done.stdout
    assert "in all: 16 requests in 2 variants" in done.stdout
    assert {path for path in program.folder.rglob("*") if "cache" not in path.parts} == before


def test_a_new_task_validates_and_runs(program: Program, typed: Any) -> None:
    made = typed("new", "task", "my-task", "--folder", "mine")
    assert made.code == 0, made.err
    assert "salmonn-eval validate mine; salmonn-eval run --task-path mine --tasks my-task" in made.out
    checked = typed("validate", "mine")
    assert checked.code == 0, checked.out
    ids = [json.loads(line)["id"] for line in next((program.folder / "mine").rglob("*.jsonl")).open()]
    rows = [{"id": id_, "prediction": "something else entirely"} for id_ in ids]
    done = program("run", "--task-path", "mine", "--tasks", "my-task", *program.replay(rows))
    assert done.returncode == 0, done.stderr
    assert "my-task" in done.stdout


def test_no_secret_reaches_any_file_or_output(program: Program) -> None:
    words = ["run", "--tasks", "asr", *program.replay(right_answers()), "--limit", "5", "--out", "runs"]
    done = program(*words, env=SECRETS)
    assert done.returncode == 0, done.stderr
    files = [path for path in (program.folder / run_folder(done)).rglob("*") if path.is_file()]
    found = "".join([done.stdout, done.stderr, *(path.read_text(encoding="utf-8") for path in files)])
    assert len(files) >= 8
    for secret in SECRETS.values():
        assert secret not in found
    assert "a part of the test sets: asr.mini-real 5 of 78; all of them with --limit 0" in done.stdout


@pytest.mark.slow
def test_two_shards_and_merge(program: Program) -> None:
    words = ["run", "--tasks", "asr", *program.replay(right_answers()), "--run-dir", "shared", "--shard"]
    assert program(*words, "1/2").returncode == 0
    missing = program("merge", "shared")
    assert missing.returncode == 3
    assert re.search(r"planned requests have no answer yet \(asr.mini-real: \d+\)", last_sentence(missing))
    assert program(*words, "2/2").returncode == 0
    merged = program("merge", "shared", "--json")
    assert merged.returncode == 0
    assert {value["n_scored"] for value in json.loads(merged.stdout)["results"] if not value["group"]} == {78}


PUBLISHED_WER = 10.270871845172973  # of the 2,617 answers, by the tool that published them


def plain_wer(stdout: str) -> dict[str, Any]:
    """The WER without a normalizer, over all answers."""
    values = json.loads(stdout)["results"]
    (found,) = (v for v in values if "norm:none" in v["signature"] and v["reading"] == "all" and not v["group"])
    return found


@pytest.fixture
def published(program: Program, shared: Path) -> Path:
    """What SALMONN 7B answered to LibriSpeech test-clean, as AudioBench published it."""
    log = program.folder / "log.jsonl"
    log.write_bytes(gzip.decompress((shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz").read_bytes()))
    return log


@pytest.mark.slow
def test_published_answers_through_import(program: Program, published: Path) -> None:
    asked = ["--task", "asr", "--model", "salmonn-7b", "--dataset", "librispeech-test-clean", "--language", "en"]
    done = program("import", published, *asked, "--metric", "wer(normalizer=none)", "--json")
    assert done.returncode == 0, done.stderr
    found = plain_wer(done.stdout)
    assert found["value"] == pytest.approx(PUBLISHED_WER, abs=1e-9)
    assert (found["n_scored"], found["n_planned"]) == (2617, 2617)
    assert found["ci"]["low"] < found["value"] < found["ci"]["high"]
    values = json.loads(done.stdout)["results"]
    (rate,) = (v for v in values if v["metric"] == "following_rate" and not v["group"])
    assert rate["n_scored"] - rate["n_followed"] >= 50


@pytest.mark.slow
def test_published_answers_through_replay(program: Program, published: Path) -> None:
    rows = [json.loads(line) for line in published.read_text(encoding="utf-8").splitlines()]
    asked = [{"id": f"row-{row['index']}", "references": [row["reference"]]} for row in rows]
    answers = [{"id": f"row-{row['index']}", "prediction": row["prediction"]} for row in rows]
    done = program("run", *program.task(asked), *program.replay(answers), "--metric", "wer(normalizer=none)", "--json")
    assert done.returncode == 0, done.stderr
    found = plain_wer(done.stdout)
    assert found["value"] == pytest.approx(PUBLISHED_WER, abs=1e-9)
    assert (found["n_scored"], found["n_planned"]) == (2617, 2617)


def test_bca_intervals_are_asked_of_score_and_stand_with_the_values(finished: Any) -> None:
    before = json.loads((finished.folder / "results.json").read_text())
    done = finished.program("score", finished.folder, "--intervals", "bca", "--json")
    assert done.returncode == 0, done.stderr
    after = json.loads((finished.folder / "results.json").read_text())
    methods = {value["metric"]: value["ci"]["method"] for value in after["results"] if value["ci"]}
    assert methods["wer"].startswith("cluster bootstrap, BCa")
    assert [value["value"] for value in after["results"]] == [value["value"] for value in before["results"]]
    finished.program("score", finished.folder)
    assert json.loads((finished.folder / "results.json").read_text()) == before
