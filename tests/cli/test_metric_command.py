"""`salmonn-eval metric` as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from judge_server import KEY, Call, serving, verdict

ZH = [
    {"id": "a", "hyp": "今天的天气非常好。", "refs": ["今天天气很好。"]},
    {"id": "b", "hyp": "他借了三本书。", "refs": ["他昨天借了三本书。"]},
]


def metric(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "salmonn_eval", "metric", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "zh.jsonl"
    path.write_text("\n".join(map(json.dumps, ZH)), "utf-8")
    return str(path)


def test_several_settings_follow_one_set(file: str) -> None:
    done = metric("cer", file, "--set", "lang=zh", "normalizer=none", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["value"] == pytest.approx(100 * (3 + 2) / (7 + 9))
    assert found["signature"].startswith("cer|norm:none.1|spaces:remove|lang:zh|")
    assert (found["unit"], found["n_lines"], found["n_scored"], found["n_unscored"]) == ("percent", 2, 2, 0)
    assert metric("cer", file, "--set", "lang=zh", "--set", "normalizer=none", "--json").stdout == done.stdout


def test_text_has_value_interval_counts_and_signature(file: str) -> None:
    done = metric("bleu", file, "--set", "lang=zh")
    assert done.returncode == 0, done.stderr
    first, caution, counts, signature = done.stdout.splitlines()
    assert first.startswith("bleu ") and "95 % interval: cluster jackknife, t, 2 clusters" in first
    assert caution == "caution: only 2 clusters: the interval may be too narrow"
    assert counts == "2 lines: 2 scored, 0 unscored"
    assert signature.startswith("bleu|nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ("wer", "--set", "lang=zh"),
            2,
            "error: metric 'wer' cannot count words of 'zh', which has no spaces; use `cer`",
        ),
        (("cer", "--set", "lang"), 2, "error: --set lang: expected NAME=VALUE"),
        (
            ("judge_accuracy",),
            4,
            "error: metric 'judge_accuracy' needs a judge; name one with --judge-model (and --judge-url)",
        ),
        (("eer", "--set", "labels=yes,no"), 3, ""),
        (
            ("cer", "--set", "lang=zh", "--judge-model", "m", "--judge-url", "http://localhost:1/v1"),
            2,
            "error: --judge-model m: metric 'cer' asks no judge; drop the option",
        ),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, sentence: str, file: str) -> None:
    name, *rest = arguments
    done = metric(name, file, *rest)
    assert done.returncode == code, done.stderr
    assert done.stderr.strip() == sentence


def test_nothing_scored_says_so(file: str) -> None:
    done = metric("eer", file, "--set", "labels=yes,no")
    assert done.stdout.splitlines()[:2] == ["eer undefined", "2 lines: 0 scored, 2 unscored"]


def test_a_judge_reads_answers_of_a_file(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "hyp": "it is white", "refs": ["white"], "question": "what color is snow"},
        {"id": "b", "hyp": "it is red", "refs": ["white"], "question": "what color is snow"},
        {"id": "c", "hyp": "a dog", "refs": [], "question": "what is that noise", "sounds": "a dog barks"},
        {"id": "d", "hyp": "no idea", "refs": ["white"]},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")

    prompts: list[str] = []

    def judge(call: Call) -> None:
        assert call.authorization == f"Bearer {KEY}"
        assert "what color is snow" in call.prompt or "what is that noise" in call.prompt
        prompts.append(call.prompt)
        call.reply(verdict("incorrect" if "it is red" in call.prompt else "correct"))

    with serving(judge) as server:
        words = ["--judge-model", "org/judge", "--judge-url", server.url, "--judge-key-env", "A_KEY", "--json"]
        environment = {**os.environ, "A_KEY": KEY, "SALMONN_EVAL_CACHE": str(tmp_path / "cache")}
        command = [sys.executable, "-m", "salmonn_eval", "metric", "judge_accuracy", str(path), *words]
        for setting in ("sqqa", "sac"):
            given = [*command, "--set", f"prompt={setting}"]
            done = subprocess.run(given, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout)
            assert (found["n_scored"], found["n_unscored"]) == (3, 1)
            assert found["value"] == pytest.approx(2 / 3)
            assert f"judge:org/judge|prompt:{setting}-accuracy" in found["signature"]
            assert any("the question is not known" in remark for remark in found["remarks"])
            assert KEY not in done.stdout + done.stderr
    assert sum("Sounds in the background: a dog barks" in prompt for prompt in prompts) == 1


def test_bca_intervals_on_request(file: str) -> None:
    standard, bca = (
        json.loads(metric("cer", file, "--set", "lang=zh", "--json", *more).stdout)
        for more in ([], ["--intervals", "bca"])
    )
    assert standard["ci"]["method"].startswith("cluster jackknife")
    assert bca["value"] == standard["value"]
    assert bca["ci"] is None or bca["ci"]["method"].startswith("cluster bootstrap, BCa")
    refused = metric("cer", file, "--intervals", "bcx")
    assert (refused.returncode, refused.stderr.strip()) == (
        2,
        "error: --intervals bcx: expected one of standard, bca",
    )
