from pathlib import Path

import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.suites import load_suites


def test_embedded_suites_decode_greedily_and_the_paper_s_does_not() -> None:
    suites = load_suites()
    assert {name: suite.generation for name, suite in suites.items()} == {
        "mini": {"num_beams": 1},
        "mini-real": {"num_beams": 1},
        "paper": {},
    }
    assert all(suite.description for suite in suites.values())


def test_an_unknown_suite_or_key_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "suites.yaml").write_text("mini:\n  description: x\n  beams: 1\n")
    with pytest.raises(UsageError, match=r"suites\.yaml:3: unknown key `beams`"):
        load_suites(tmp_path)
    (tmp_path / "suites.yaml").write_text("mini:\n  description: x\nlarge:\n  description: y\n")
    with pytest.raises(UsageError, match=r"suites\.yaml:\d: .*large"):
        load_suites(tmp_path)
