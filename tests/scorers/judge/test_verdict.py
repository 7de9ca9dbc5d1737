"""Only what was asked for is a verdict."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.scorers.judge.verdict import Verdict, read_verdict

WORDS = ("correct", "incorrect")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"verdict": "correct"}', Verdict("correct")),
        (' {"reason": "not\\n so ", "verdict": "incorrect"}\n', Verdict("incorrect", "not so")),
        ('```json\n{"verdict": "correct", "reason": ""}\n```', Verdict("correct")),
        ('```\n{"verdict": "correct", "confidence": 0.9}\n```', Verdict("correct")),
    ],
)
def test_a_verdict_is_read(text: str, verdict: Verdict) -> None:
    assert read_verdict(text, WORDS) == verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        "correct",
        '"correct"',
        '{"verdict": "Correct"}',
        '{"verdict": "yes"}',
        '{"verdict": true}',
        '{"verdict": ["correct"]}',
        '{"verdict": null}',
        '{"Verdict": "correct"}',
        '[{"verdict": "correct"}]',
        '{"verdict": "correct"} {"verdict": "incorrect"}',
        '{"verdict": "correct", "verdict": "incorrect"}',
        'Sure! {"verdict": "correct"}',
        '{"verdict": "correct"} I hope this helps.',
        '{"verdict": "correct", "reason": "it',
        "{'verdict': 'correct'}",
        '{"verdict": "incorrect"}\n```json\n{"verdict": "correct"}\n```',
        '```json\n{"verdict": "correct"}\n``` ```json\n{"verdict": "incorrect"}\n```',
        "[" * 100_000,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert read_verdict(text, WORDS) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = read_verdict(text, WORDS)
    assert found is None or json.loads(text)["verdict"] == found.word
