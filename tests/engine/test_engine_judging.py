"""A judge in a run: named, refused, remembered in run.json without its key, and a model handed in as one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_runs import InBatches, card_of, go, mini_real, recorded, replay, spec_of, task_file
from judge_server import KEY, Call, JudgeServer, serving, verdict

from salmonn_eval.engine.judging import ModelJudge, check_judge, judge_settings, open_judge
from salmonn_eval.engine.run import Outcome, score_run
from salmonn_eval.engine.spec import JudgeSettings, MaxErrors, RunSpec
from salmonn_eval.errors import ExitCode, PrerequisiteError, UsageError
from salmonn_eval.records import MetricValue, Request
from salmonn_eval.scorers.judge.protocol import JudgePrompt, Reply
from salmonn_eval.tasks.spec import MetricSpec

JUDGED = MetricSpec("judge_accuracy")
N = 6


def behave(call: Call) -> None:
    """Correct where the answer says `indeed`; an error for the one that says `broken`."""
    text = call.prompt.partition("<answer ")[2].partition("</answer ")[0]
    if "broken" in text:
        call.reply(b"no", 400)
    else:
        call.reply(verdict("correct" if "indeed" in text else "incorrect"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with serving(behave) as running:
        yield running


def spec(tmp_path: Path, judge: JudgeSettings | None, metrics: tuple[MetricSpec, ...] = (JUDGED,)) -> RunSpec:
    rows = mini_real()[:N]
    for row in rows:
        row["fields"] = {"transcript": "what is said"}
    answers = recorded(rows)
    answers[1]["prediction"] = "broken"
    card = replay(tmp_path / "answers.jsonl", answers)
    folder = task_file(tmp_path / "tasks", [{**row, "audio": str(_audio(row))} for row in rows])
    return spec_of(card, "mine", [folder], judge=judge, metrics=metrics)


def _audio(row: dict[str, Any]) -> Path:
    from salmonn_eval.bundled import bundled

    return bundled("tasks") / "mini-real" / row["audio"]


def value(outcome: Outcome, metric: str, reading: str = "all") -> MetricValue:
    (found,) = (v for v in outcome.values if (v.metric, v.reading) == (metric, reading))
    return found


def test_a_run_with_a_judge(tmp_path: Path, server: JudgeServer) -> None:
    judge = judge_settings("org/judge-1", server.url, "JUDGE_KEY")
    outcome = go(spec(tmp_path, judge), tmp_path / "runs", score=True)
    found = value(outcome, "judge_accuracy")
    assert (found.value, found.n_scored, found.n_unscored, found.n_error) == (1 / 5, 5, 1, 0)
    assert found.bounds == (pytest.approx(1 / 6), pytest.approx(2 / 6))
    assert found.why == "judge_accuracy: judge org/judge-1 gave a verdict on 5 of 6 answers"
    assert value(outcome, "judge_accuracy", "strict").why is None
    assert found.asked.endswith("|judge:org/judge-1")
    assert "|judge:org/judge-1|" in found.signature
    assert "judge" not in value(outcome, "wer").asked
    assert len(server.calls) == N
    assert {call.authorization for call in server.calls} == {f"Bearer {KEY}"}
    state = json.loads(outcome.run.run_file.read_bytes())
    assert state["judge"] == {"model": "org/judge-1", "url": server.url, "key_env": "JUDGE_KEY"}
    rows = [json.loads(line) for line in outcome.run.scores("mine.set").read_bytes().splitlines()]
    assert "the judge failed: HTTP 400: no" in {row["why"] for row in rows}
    held = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert held == []


def test_scoring_again_asks_nothing_that_was_answered(tmp_path: Path, server: JudgeServer) -> None:
    judge = judge_settings("org/judge-1", server.url, "JUDGE_KEY")
    outcome = go(spec(tmp_path, judge), tmp_path / "runs", score=True)
    before = outcome.run.results.read_bytes()
    again = score_run(outcome.run, limit=MaxErrors())
    assert outcome.run.results.read_bytes() == before
    assert len(server.calls) == N + 1  # the one that failed
    assert value(again, "judge_accuracy").value == 1 / 5


def test_a_judge_may_be_named_when_scoring(tmp_path: Path, server: JudgeServer) -> None:
    outcome = go(spec(tmp_path, None), tmp_path / "runs", score=True)
    lacking = value(outcome, "judge_accuracy")
    assert (lacking.status, lacking.value) == ("missing", None)
    assert lacking.why == "metric 'judge_accuracy' needs a judge; name one with --judge-model MODEL --judge-url URL"
    settings = judge_settings("org/judge-1", server.url, "JUDGE_KEY")
    judged = score_run(outcome.run, limit=MaxErrors(), judge=settings)
    assert value(judged, "judge_accuracy").n_scored == 5
    assert outcome.run.read().judge == settings
    assert outcome.run.read().spec.judge is None


def test_following_by_a_judge_marks_every_metric_of_the_question(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    rows = mini_real()[:4]
    folder = task_file(tmp_path / "tasks", [{**row, "audio": str(_audio(row))} for row in rows])
    text = (folder / "mine.yaml").read_text()
    (folder / "mine.yaml").write_text(text.replace("following_rate}", "following_rate, settings: {by: judge}}"))
    card = replay(tmp_path / "answers.jsonl", recorded(rows))
    with serving(lambda call: call.reply(verdict("yes" if call.number else "no"))) as server:
        judge = judge_settings("j", server.url, "JUDGE_KEY")
        outcome = go(spec_of(card, "mine", [folder], judge=judge), tmp_path / "runs", score=True)
    assert value(outcome, "following_rate").value == 0.75
    assert value(outcome, "wer", "followed").n_scored == 3
    assert {v.asked.rpartition("|")[2] for v in outcome.values} == {"judge:j"}


def test_the_model_id_is_part_of_the_specification_and_the_place_is_not(tmp_path: Path) -> None:
    one = spec(tmp_path, judge_settings("m", "http://a/v1", None))
    moved = spec(tmp_path, judge_settings("m", "http://b/v1", "OTHER_KEY"))
    other = spec(tmp_path, judge_settings("n", "http://a/v1", None))
    none = spec(tmp_path, None)
    assert one.hash() == moved.hash()
    assert len({one.hash(), other.hash(), none.hash()}) == 3


def test_a_continued_run_asks_the_judge_where_it_is_now(tmp_path: Path, server: JudgeServer) -> None:
    settings = {"out": tmp_path / "runs", "run_dir": tmp_path / "run"}
    go(spec(tmp_path, judge_settings("m", "http://127.0.0.1:9/v1", "JUDGE_KEY")), **settings)
    outcome = go(spec(tmp_path, judge_settings("m", server.url, "JUDGE_KEY")), **settings, score=True)
    assert value(outcome, "judge_accuracy").n_scored == 5


def test_a_named_key_that_is_not_there_is_found_before_the_model_runs(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError, match="--judge-key-env NO_SUCH_KEY: the environment variable is not set"):
        go(spec(tmp_path, judge_settings("m", "http://127.0.0.1:9/v1", "NO_SUCH_KEY")), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("model", ["in-test", "org/In-Test"])
def test_nobody_judges_itself(model: str) -> None:
    with pytest.raises(UsageError, match="is the evaluated model; nobody judges itself"):
        check_judge(card_of(), JudgeSettings(model, "http://h/v1"))


def test_the_same_weights_under_another_name_do_not_judge_themselves() -> None:
    with pytest.raises(UsageError, match="nobody judges itself"):
        check_judge(card_of(), JudgeSettings("alias", card=card_of("alias")))
    check_judge(card_of(), JudgeSettings("other", card=card_of("other", fingerprint="1" * 16)))


def test_nano_never_judges() -> None:
    with pytest.raises(UsageError, match="far too small to judge"):
        check_judge(card_of(), JudgeSettings("us/salmonn-nano", "http://h/v1"))
    check_judge(card_of(), JudgeSettings("gpt-4.1-nano", "http://h/v1"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((None, "http://h/v1", None), "go with --judge-model"),
        ((None, None, "KEY"), "go with --judge-model"),
        (("replay", None, "KEY"), "--judge-key-env goes with --judge-url"),
        (("m", "http://h/v1", KEY), "expected the NAME of an environment variable"),
        (("m", "h", None), "--judge-url: expected the base"),
        (("gpt-4o", None, None), "without --judge-url it names a model card; no model is called `gpt-4o`"),
    ],
)
def test_options_that_cannot_be_are_told_without_repeating_a_key(words: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as fault:
        judge_settings(*words)
    assert KEY not in str(fault.value)


def test_no_judge_is_none() -> None:
    assert judge_settings(None, None, None) is None
    assert open_judge(None) is None


def said(request: Request) -> str:
    if "boom" in request.instruction:
        raise RuntimeError("boom")
    return request.instruction.upper()


def test_any_model_can_be_a_judge_whatever_the_order_of_its_answers() -> None:
    judge = ModelJudge(card_of("reader"), lambda: InBatches(card_of("reader"), said))
    replies = list(judge.ask(JudgePrompt(text, "p") for text in ("a", "b", "c", "boom", "a", "d")))
    assert [reply.text for reply in replies] == ["A", "B", "C", None, "A", "D"]
    assert "boom" in (replies[3].fault or "")
    assert judge.model == "reader"


def test_a_model_that_cannot_be_loaded_fails_every_prompt_and_is_tried_once() -> None:
    tries: list[int] = []

    def load() -> Any:
        tries.append(1)
        raise PrerequisiteError("no weights")

    judge = ModelJudge(card_of("reader"), load)
    for _ in range(2):
        replies = list(judge.ask([JudgePrompt("a", "p"), JudgePrompt("b", "p")]))
        assert replies == [Reply(None, "it cannot be loaded: no weights")] * 2
    assert len(tries) == 1


def test_a_card_names_a_model_as_judge(tmp_path: Path) -> None:
    """The recorded answers of `replay` stand for a text model: none of them fits, which is told for each."""
    answers = replay(tmp_path / "judge.jsonl", [{"id": "x", "prediction": "y"}])
    outcome = go(spec(tmp_path, JudgeSettings("judge", card=answers)), tmp_path / "runs", score=True)
    found = value(outcome, "judge_accuracy")
    assert (found.n_scored, found.n_unscored, found.bounds) == (0, N, (0.0, 1.0))
    assert outcome.exit_code is ExitCode.OK
