"""A run ends with its folder and the commands to type next; each of them works as it is printed."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_runs import MINI_REAL, Program, right_answers

NANO = ["--suite", "mini", "--model", "salmonn-nano-stage2"]


def told(out: str) -> list[list[str]]:
    """The commands under `next:`, as a shell reads them; they are the last lines, the folder stands above them."""
    run, _, commands = out.partition("\nrun: ")[2].partition("\nnext:\n")
    assert run and "\n" not in run
    return [shlex.split(line, comments=True) for line in commands.splitlines()]


def test_one_run_invites_to_its_page_show_and_table_in_a_folder_with_a_space(program: Program) -> None:
    done = program("run", "--tasks", "asr", *program.replay(right_answers()), "--run-dir", "my runs/it's one")
    assert done.returncode == 0, done.stderr
    commands = told(done.stdout)
    assert [words[:2] for words in commands] == [["salmonn-eval", name] for name in ("report", "show", "table")]
    for (_, *words), said in zip(commands, ("78 samples", "asr", "asr"), strict=True):
        again = program(*words)
        assert again.returncode == 0, again.stderr
        assert said in again.stdout


def test_a_sweep_invites_to_diagnose_first(typed: Callable[..., Any]) -> None:
    done = typed("sweep", "--tasks", "sf,story", *NANO, "--limit", "2", "--lora-scales", "0,4")
    assert done.code == 0, done.err
    first, *others = told(done.out)
    assert first[:2] == ["salmonn-eval", "diagnose"] and [words[1] for words in others] == ["report", "show", "table"]
    diagnosed = typed(*first[1:])
    assert diagnosed.code == 0 and "diagnosis: " in diagnosed.out


def test_a_run_of_the_paper_s_sets_invites_to_the_paper_s_table(program: Program, tmp_path: Path) -> None:
    clip = min((MINI_REAL / "audio").glob("*.flac"))
    lines = tmp_path / "libri/test-clean/1/2/1-2.trans.txt"
    lines.parent.mkdir(parents=True)
    lines.write_text("1-2-0000 THE CAT\n")
    shutil.copy(clip, lines.parent / "1-2-0000.flac")
    words = ["--suite", "paper", "--tasks", "asr:librispeech-test-clean", "--data", "librispeech=libri"]
    done = program("run", *words, *program.listener())
    commands = told(done.stdout)
    assert [words[3:] for words in commands] == [[], [], ["--like", "paper"], ["-f", "md"]]
    liked = program(*commands[2][1:])
    assert liked.returncode == 0 and "librispeech-test-clean" in liked.stdout


def test_sets_of_one_s_own_invite_to_no_table_of_the_paper(program: Program, tmp_path: Path) -> None:
    clip = min((MINI_REAL / "audio").glob("*.flac"))
    entry = {"path": clip.name, "text": "The cat.", "task": "asr"}
    (tmp_path / "test.json").write_text(json.dumps({"annotation": [entry]}))
    words = ["--annotation", "test.json", "--data", f"audio={clip.parent}", "--tasks", "asr"]
    assert "--like" not in program("run", *words, *program.listener()).stdout
