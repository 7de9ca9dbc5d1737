"""Flag over environment over config file over default."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Program, right_answers


@pytest.fixture
def planned(typed: Any) -> Callable[..., int]:
    """How many samples a command would ask."""

    def count(*words: object, **environment: str) -> int:
        code, out, err = typed("run", "--dry-run", "--json", *words, **environment)
        assert code == 0, err
        return sum(plan["n_planned"] for plan in json.loads(out)["plans"])

    return count


def config(program: Program, text: str) -> Path:
    file = program.folder / "config.yaml"
    file.write_text(text)
    return file


def test_each_source_wins_over_those_below_it(program: Program, planned: Any) -> None:
    answers = program.replay(right_answers())
    file = config(program, "# mine\nlimit: 3\ntasks: asr\n")
    assert planned(*answers, "--tasks", "asr") == 78
    assert planned(*answers, "--config", file) == 3
    assert planned(*answers, "--config", file, SALMONN_EVAL_LIMIT="4") == 4
    assert planned(*answers, "--config", file, "--limit", "5", SALMONN_EVAL_LIMIT="4") == 5
    assert planned(*answers, SALMONN_EVAL_CONFIG=str(file)) == 3


def test_lists_and_pairs_have_yaml_forms(program: Program, planned: Any) -> None:
    program.replay(right_answers())
    answers = program.folder / "answers.jsonl"
    same = [
        f"tasks: [asr, gr]\nmodel: replay\nmodel-arg: {{answers: {answers}}}\nlimit: 2\n",
        f"tasks: asr,gr\nmodel: replay\nmodel_arg: answers={answers}\nlimit: 2\n",
        f"tasks: asr,gr\nmodel: replay\nmodel-arg:\n  - answers={answers}\nlimit: 2\n",
    ]
    for text in same:
        assert planned("--config", config(program, text)) == 4


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [("tasks: asr\n\nlimmit: 3\n", 3, "unknown option `limmit`; run takes allow-missing-metrics"), ("- asr\n", 1, "")],
)
def test_a_config_that_does_not_fit_is_told_with_file_and_line(
    program: Program, typed: Any, text: str, line: int, part: str
) -> None:
    file = config(program, text)
    code, _, err = typed("run", "--config", file)
    assert code == 2
    assert f"{file}:{line}" in err
    assert part in err


def test_a_config_that_is_not_there_is_a_usage_error(typed: Any) -> None:
    code, _, err = typed("run", "--config", "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml" in err
