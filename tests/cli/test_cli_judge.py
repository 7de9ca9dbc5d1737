"""The judge as a user meets it: options, variables, what is refused, what is kept, and how a run with it ends."""

import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli_runs import MINI_REAL, Program, mini_real, right_answers, run_folder, write_rows
from judge_server import KEY, Call, JudgeServer, serving, verdict

TASK = """\
id: mine
level: 2
title: For one test
instruction: "Answer the question."
language: en
generation: {max_new_tokens: 40}
metrics:
  - {name: judge_accuracy, headline: true}
  - {name: following_rate}
following: {rule: answers_speech}
item_score: hit
datasets:
  own: {suite: SUITE, source: manifest, path: mine.jsonl, cluster: speaker, fields: [transcript]}
version: 1
"""
N = 5


def words(program: Program, suite: str = "mini-real") -> list[object]:
    """A task with a judged headline over five real clips, answered from a file."""
    folder = program.folder / "tasks"
    rows = [
        {**row, "audio": str(MINI_REAL / row["audio"]), "fields": {"transcript": "what did they say"}}
        for row in mini_real()[:N]
    ]
    write_rows(folder / "mine.jsonl", rows)
    (folder / "mine.yaml").write_text(TASK.replace("SUITE", suite))
    chosen: list[object] = ["--task-path", folder, "--tasks", "mine", "--suite", suite, "--out", "runs"]
    return [*chosen, *program.replay(right_answers()[:N])]


def judged(server: JudgeServer, **more: str) -> dict[str, str]:
    """The environment that names the judge."""
    named = {"URL": server.url, "MODEL": "org/judge-1", "KEY_ENV": "MY_JUDGE_KEY"}
    return {**{f"SALMONN_EVAL_JUDGE_{name}": value for name, value in named.items()}, "MY_JUDGE_KEY": KEY, **more}


def results(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "results.json").read_bytes())["results"]
    return {row["metric"]: row for row in rows if row["reading"] == "all"}


def test_a_run_whose_judge_is_named_by_variables_keeps_and_shows_no_key(program: Program) -> None:
    def behave(call: Call) -> None:
        if right_answers()[1]["prediction"] in call.prompt:
            call.reply(f"what is {call.authorization}".encode(), 400)
        else:
            call.reply(verdict("correct"))

    with serving(behave) as server:
        done = program("run", *words(program), env=judged(server))
    assert done.returncode == 0, done.stderr
    found = results(program.folder / run_folder(done))["judge_accuracy"]
    assert (found["value"], found["n_scored"], found["n_unscored"], found["bounds"]) == (1.0, 4, 1, [0.8, 1.0])
    assert "mine judge_accuracy: 1 unscored; between 0.800 and 1.000" in " ".join(done.stdout.split())
    assert "judge org/judge-1 gave a verdict on 4 of 5 answers" in " ".join(done.stdout.split())
    assert KEY not in done.stdout + done.stderr
    assert not [path for path in program.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    shown = program("show", run_folder(done), "--sample", mini_real()[0]["id"])
    assert "read as 'correct' (it is correct)" in shown.stdout


def test_4_a_paper_set_with_a_judged_headline_needs_a_judge_before_the_model_runs(program: Program) -> None:
    done = program("run", *words(program, "paper"))
    assert done.returncode == 4
    assert "mine:own: metric 'judge_accuracy' needs a judge; name one with --judge-model MODEL --judge-url URL" in (
        done.stderr
    )
    assert "--allow-missing-metrics runs all the same" in done.stderr
    assert not (program.folder / "runs").exists()


def test_without_a_judge_the_answers_are_kept_and_score_names_one_later(program: Program) -> None:
    done = program("run", *words(program, "paper"), "--allow-missing-metrics")
    assert done.returncode == 3
    folder = program.folder / run_folder(done)
    assert results(folder)["judge_accuracy"]["status"] == "missing"
    with serving(lambda call: call.reply(verdict("incorrect"))) as server:
        options = ["--judge-url", server.url, "--judge-model", "j", "--judge-key-env", "MY_JUDGE_KEY"]
        again = program("score", folder, *options, env={"MY_JUDGE_KEY": KEY})
    assert again.returncode == 0, again.stderr
    assert results(folder)["judge_accuracy"]["value"] == 0.0
    assert json.loads((folder / "run.json").read_bytes())["judge"]["model"] == "j"


def test_a_set_of_our_own_without_a_judge_succeeds_and_says_what_is_missing(program: Program) -> None:
    done = program("run", *words(program))
    assert done.returncode == 0, done.stderr
    assert "needs a judge; name one with --judge-model" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--judge-model", "replay", "--judge-url", "http://h/v1"], 2, "nobody judges itself"),
        (["--judge-model", "salmonn-nano", "--judge-url", "http://h/v1"], 2, "far too small to judge"),
        (["--judge-url", "http://h/v1"], 2, "go with --judge-model"),
        (["--judge-model", "m", "--judge-url", "http://h/v1", "--judge-key-env", KEY], 2, "never the key itself"),
        (["--judge-model", "m", "--judge-url", f"http://u:{KEY}@h/v1"], 2, "without user, password"),
        (["--judge-model", "m", "--judge-url", "http://h/v1", "--judge-key-env", "NO_KEY"], 4, "NO_KEY: the environ"),
    ],
)
def test_what_is_refused_names_the_option_and_no_key(
    program: Program, typed: Any, options: list[str], code: int, sentence: str
) -> None:
    ended, out, err = typed("run", *words(program), *options)
    assert ended == code
    assert err.startswith("error: ") and sentence in err
    assert KEY not in out + err
    assert not (program.folder / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "score"])
def test_130_ctrl_c_while_the_judge_is_silent_ends_promptly_and_leaves_no_process(
    program: Program, command: str
) -> None:
    """The judge would answer after ten minutes at the earliest."""
    with serving(lambda call: None) as server:

        def behave(call: Call) -> None:
            server.over.wait(600)

        server.behave = behave
        asked = words(program)
        if command == "score":
            done = program("predict", *asked, env=judged(server))
            assert done.returncode == 0, done.stderr
            (folder,) = (program.folder / "runs").iterdir()
            asked = [folder]
        process = program.start(command, *asked, env=judged(server))
        while not server.calls:
            assert process.poll() is None, process.communicate()
            server.over.wait(0.05)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130, err
        assert time.monotonic() - started < 60
        assert "Traceback" not in err
        assert not _processes_of(program.folder)
        server.behave = lambda call: call.reply(verdict("correct"))
        again = program(command, *asked, env=judged(server))
    assert again.returncode == 0, again.stderr
    (folder,) = (program.folder / "runs").iterdir()
    assert results(folder)["judge_accuracy"]["value"] == 1.0


def _processes_of(folder: Path) -> list[str]:
    """Processes that were started with the folder's cache; looked for where the system tells (/proc)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            if f"SALMONN_EVAL_CACHE={folder}".encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found
