import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_runs import Program, mini_real, right_answers, run_folder

from salmonn_eval.cli.main import main


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The same program in this process, for what writes nothing: `typed("list", "--json")`."""
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*words: object, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["salmonn-eval", *map(str, words)])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return run


class Finished:
    """One finished run of recorded answers, two of them not right, and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder)
        answers = right_answers()
        answers[0]["prediction"] = "W IY1 AO1 L F AO1 L D AW1 N"
        answers[1]["prediction"] += " indeed"
        self.words = ["--tasks", "asr", *self.program.replay(answers), "--out", "runs"]
        self.done = self.program("run", *self.words, env={"PYTHONPROFILEIMPORTTIME": "1"})
        self.folder = folder / run_folder(self.done)
        files = (path for path in self.folder.rglob("*") if path.is_file())
        self.files = {path.relative_to(self.folder).as_posix() for path in files}
        self.sample = mini_real()[0]["id"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return Finished(tmp_path_factory.mktemp("finished"))
