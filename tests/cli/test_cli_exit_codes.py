"""Every exit code of the table, each reached by a real situation."""

import json
import signal
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, last_sentence, mini_real, right_answers

BROKEN = Path(__file__).resolve().parents[1] / "data" / "tasks" / "broken"


def test_0_a_finished_run_prints_its_table_and_leaves_a_whole_folder(finished: Any) -> None:
    assert finished.done.returncode == 0
    assert "wer % ↓" in finished.done.stdout
    expected = {"run.json", "plan.jsonl", "results.json", "events.jsonl", "table.md"}
    expected |= {f"{folder}/asr.mini-real.jsonl" for folder in ("predictions", "samples", "scores")}
    assert {name for name in finished.files if not name.startswith(".lock")} == expected
    assert "asr" in (finished.folder / "table.md").read_text(encoding="utf-8")
    assert ":" not in "".join(finished.files | {finished.folder.name})


@pytest.mark.parametrize("name", ["unknown_metric", "unknown_key", "single_braces", "variable_without_field"])
def test_1_a_definition_that_fails_validation(typed: Any, name: str) -> None:
    code, out, _ = typed("validate", BROKEN / f"{name}.yaml")
    assert code == 1
    assert f"{BROKEN / name}.yaml:" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--tasks", "asrr"], "did you mean `asr` or `osr`?"),
        (["run", "--limt", "3"], "No such option"),
        (["run", "--model", "wisper"], "did you mean whisper"),
        (["run", "--generation", "max_new_tokens"], "expected NAME=VALUE"),
        (["run", "--generation", "max_new_tokens=[1"], "--generation max_new_tokens=[1: the value cannot be read"),
        (["run", "--shard", "3/2"], "expected i/N"),
        (["run", "--shard", "1/2"], "--shard needs --run-dir"),
        (["run", "--max-errors", "few"], "--max-errors few"),
        (["run", "--condition", "loud"], "expected one of none, silence, noise, swapped"),
        (["run", "--suite", "maxi"], "expected one of mini, mini-real, paper"),
        (["run", "--metric", "wer(normalizer=best)"], "setting 'normalizer' is 'best'"),
        (["run", "--prompt-set", "paraphrase-77", "--tasks", "asr"], "no prompt set `paraphrase-77`"),
        (["show", "nothing"], "neither a task, nor a model, nor a run directory"),
        (["score", "nowhere"], "not a run directory"),
        (["table", "nowhere"], "nowhere"),
        (["import", "nowhere.jsonl", "--task", "asr", "--model", "m", "--dataset", "d"], "nowhere.jsonl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_2_what_cannot_be_meant(typed: Any, tmp_path: Path, words: list[str], sentence: str) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_3_more_failures_than_tolerated(program: Program) -> None:
    answers = [row if number else {"id": row["id"], "error": "lost"} for number, row in enumerate(right_answers())]
    done = program("run", "--tasks", "asr", *program.replay(answers))
    assert done.returncode == 3
    assert "incomplete: 1 of 78 samples failed, more than --max-errors allows" in done.stderr
    assert "77/78" in done.stdout


def test_4_a_corpus_that_is_not_at_hand(typed: Any, tmp_path: Path) -> None:
    code, _, err = typed("run", "--tasks", "asr:librispeech-test-clean,asr:librispeech-test-other")
    assert code == 4
    for name in ("asr:librispeech-test-clean", "asr:librispeech-test-other"):
        assert name in err
    assert "--data librispeech=DIR" in err
    assert not list(tmp_path.iterdir())


def test_4_a_task_named_singly_that_the_model_does_not_answer(typed: Any) -> None:
    code, _, err = typed("run", "--tasks", "gr", "--model", "pocketsphinx")
    assert code == 4
    assert "pocketsphinx answers only asr, pr" in err


def test_5_a_bug_is_one_sentence_and_a_traceback_only_under_debug(program: Program) -> None:
    words = ["predict", "--tasks", "asr", "--model-path", "cards", "--model", "buggy", "--limit", "1"]
    done = program(*words)
    assert done.returncode == 5
    assert last_sentence(done).startswith("internal error: IndexError: list index out of range; --debug shows where")
    assert "Traceback" in program("--debug", *words).stderr


def test_130_ctrl_c_keeps_every_answer_and_the_printed_command_goes_on(program: Program) -> None:
    model = program.listener("--model-arg", "rounds=200000")
    words = ["run", "--tasks", "asr", *model, "--limit", "30", "--out", "runs"]
    process = program.start(*words)
    while sum(len(file.read_bytes().splitlines()) for file in program.folder.glob("runs/*/predictions/*")) < 3:
        assert process.poll() is None
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "to go on: salmonn-eval run --tasks asr" in err
    assert "rounds=200000" in err
    (folder,) = (program.folder / "runs").iterdir()
    answers = folder / "predictions" / "asr.mini-real.jsonl"
    before = answers.read_bytes().splitlines()
    assert 3 <= len(before) < 30
    assert json.loads((folder / "run.json").read_bytes())["status"] == "interrupted"
    again = program("predict", *words[1:])
    assert again.returncode == 0
    assert f"{len(before)} answered before" in again.stderr
    keys = Counter(json.loads(line)["key"] for line in answers.read_bytes().splitlines())
    assert (len(keys), set(keys.values())) == (30, {1})
    assert list((program.folder / "runs").iterdir()) == [folder]


def test_a_finished_command_repeated_makes_a_new_run(finished: Any) -> None:
    before = set(finished.folder.parent.iterdir())
    done = finished.program("predict", *finished.words)
    assert done.returncode == 0
    (new,) = set(finished.folder.parent.iterdir()) - before
    assert str(new.name) in done.stderr
    assert len(mini_real()) == len((new / "plan.jsonl").read_bytes().splitlines())
