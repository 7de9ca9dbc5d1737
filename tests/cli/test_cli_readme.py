"""The README's table of flags is the program's."""

import re
from pathlib import Path

import typer

from salmonn_eval.cli.main import app

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_lists_every_flag_and_no_other() -> None:
    listed = set(re.findall(r"^\| `(--[a-z-]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE))
    commands = [command for name, command in typer.main.get_command(app).commands.items() if name != "new"]
    flags = {
        option
        for command in commands
        for one in (command, *getattr(command, "commands", {}).values())
        for parameter in one.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert listed == flags - {"--help"}
