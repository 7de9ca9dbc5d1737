"""From requests to stored answers: what fails costs itself alone, what is answered is never asked again."""

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_runs import InBatches, OneByOne, attempts, card_of, go, mini_real, spec_of, task_file

from salmonn_eval.bundled import bundled
from salmonn_eval.engine.run import score_run
from salmonn_eval.engine.spec import MaxErrors, Shard
from salmonn_eval.errors import ExitCode, IncompleteError, UsageError
from salmonn_eval.models.protocol import AudioSource, Capabilities, OutOfMemoryError
from salmonn_eval.records import AudioPolicy, Prediction, Request, Variant
from salmonn_eval.tasks.spec import MetricSpec

IDS = [row["id"] for row in mini_real()]
TEXT = {row["id"]: row["references"][0].lower() for row in mini_real()}


def text_of(request: Request) -> str:
    return TEXT[request.sample_id]


def failing(*ids: str, fault: Exception | None = None) -> Any:
    def answer(request: Request) -> str:
        if request.sample_id in ids:
            raise fault or ValueError(f"cannot say {request.sample_id}")
        return text_of(request)

    return answer


def errors(lines: Iterable[dict[str, Any]]) -> dict[str, str]:
    return {line["key"]: line["error"] for line in lines if line["finish"] == "error"}


def events(path: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]
    return [line for line in lines if line["kind"] == kind]


@pytest.mark.parametrize("kind", [OneByOne, InBatches])
@pytest.mark.parametrize("fault", [ValueError("odd"), OutOfMemoryError("80 GB short"), MemoryError()])
def test_a_sample_on_which_the_model_raises_costs_itself_alone(
    tmp_path: Path, kind: type[OneByOne], fault: Exception
) -> None:
    model = kind(card_of(), failing(IDS[5], IDS[31], fault=fault))
    run = go(spec_of(model.card), tmp_path, model).run
    lines = attempts(run)
    assert len(lines) == len({line["key"] for line in lines}) == 78
    found = errors(lines)
    assert len(found) == 2
    assert all(type(fault).__name__ in why for why in found.values())
    assert {event["key"] for event in events(run.path, "error")} == set(found)


def test_failed_keys_are_asked_again_and_answered_ones_are_not(tmp_path: Path) -> None:
    first = OneByOne(card_of(), failing(*IDS[3:6]))
    run = go(spec_of(first.card), tmp_path, first).run
    second = OneByOne(card_of(), failing(IDS[4]))
    again = go(spec_of(second.card), tmp_path, second)
    assert again.run.path == run.path
    assert sorted(second.asked) == sorted(IDS[3:6])
    third = OneByOne(card_of(), text_of)
    go(spec_of(third.card), tmp_path, third)
    assert third.asked == [IDS[4]]
    successes = [line["key"] for line in attempts(run) if line["finish"] == "eos"]
    assert len(successes) == len(set(successes)) == 78
    assert len(attempts(run)) == 78 + 3 + 1


def test_twenty_failures_from_the_start_end_the_run_early(tmp_path: Path) -> None:
    model = OneByOne(card_of(), failing(*IDS))
    with pytest.raises(IncompleteError, match=r"first 20 samples all failed.*cannot say"):
        go(spec_of(model.card), tmp_path, model)
    assert len(model.asked) == 20


def test_nineteen_failures_from_the_start_do_not(tmp_path: Path) -> None:
    model = OneByOne(card_of(), failing(*IDS[:19]))
    run = go(spec_of(model.card), tmp_path, model).run
    assert len(errors(attempts(run))) == 19


def test_fail_fast_ends_at_the_first_error_and_keeps_what_was_answered(tmp_path: Path) -> None:
    model = OneByOne(card_of(), failing(IDS[8]))
    with pytest.raises(IncompleteError, match=r"--fail-fast.*cannot say"):
        go(spec_of(model.card), tmp_path, model, fail_fast=True)
    (run_file,) = tmp_path.glob("*/run.json")
    assert json.loads(run_file.read_bytes())["status"] == "incomplete"
    good = OneByOne(card_of(), text_of)
    go(spec_of(good.card), tmp_path, good)
    assert sorted(good.asked) == sorted(IDS[8:])


def test_more_errors_than_allowed_are_incomplete_and_the_rest_is_scored(tmp_path: Path) -> None:
    model = OneByOne(card_of(), failing(IDS[8]))
    outcome = go(spec_of(model.card), tmp_path, model, score=True)
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert outcome.why == ("1 of 78 samples failed, more than --max-errors allows; see events.jsonl",)
    assert {value.n_scored for value in outcome.values if value.metric == "wer" and value.group is None} == {77}
    assert outcome.run.read().status == "incomplete"
    allowed = score_run(outcome.run, limit=MaxErrors(count=1))
    assert (allowed.exit_code, allowed.run.read().status) == (ExitCode.OK, "done")


@pytest.mark.parametrize(
    ("limit", "errors", "planned", "exceeded"),
    [
        (MaxErrors(), 0, 78, False),
        (MaxErrors(), 1, 78, True),
        (MaxErrors(), 1, 100, False),
        (MaxErrors(), 2, 100, True),
        (MaxErrors(count=0), 1, 1_000_000, True),
        (MaxErrors(count=3), 3, 4, False),
        (MaxErrors(share=0.5), 39, 78, False),
        (MaxErrors(share=0.5), 40, 78, True),
    ],
)
def test_the_error_limit_is_a_count_or_a_share(limit: MaxErrors, errors: int, planned: int, exceeded: bool) -> None:
    assert limit.exceeded(errors, planned) is exceeded


def test_stopping_keeps_every_answer_and_the_same_call_goes_on(tmp_path: Path) -> None:
    stop = threading.Event()

    def answer(request: Request) -> str:
        if len(model.asked) == 10:
            stop.set()
        return text_of(request)

    model = OneByOne(card_of(), answer)
    outcome = go(spec_of(model.card), tmp_path, model, stop=stop, score=True)
    assert outcome.exit_code is ExitCode.INTERRUPTED
    assert outcome.run.read().status == "interrupted"
    assert len(attempts(outcome.run)) == 10
    partial = score_run(outcome.run, limit=MaxErrors())
    assert partial.exit_code is ExitCode.INCOMPLETE
    assert partial.why[0].startswith("68 of 78 requests have no answer yet")
    rest = OneByOne(card_of(), text_of)
    finished = go(spec_of(rest.card), tmp_path, rest)
    assert (finished.run.path, finished.exit_code) == (outcome.run.path, ExitCode.OK)
    assert sorted([*model.asked, *rest.asked]) == sorted(IDS)
    assert finished.run.read().speed["all"].answers == 78


class OneScaleACall(OneByOne):
    """Like models whose adapter has one scale for a whole call."""

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        self.calls: list[set[float | None]] = [*getattr(self, "calls", []), set()]
        for request in requests:
            self.calls[-1].add(request.variant.lora_scale)
            yield Prediction(request.key, text_of(request), "eos")


def test_a_model_with_one_scale_a_call_never_gets_two(tmp_path: Path) -> None:
    card = card_of(capabilities=Capabilities(audio=False, lora_scale="per_call"), default_lora_scale=4.0)
    model = OneScaleACall(card, text_of)
    variants = tuple(Variant(lora_scale=scale) for scale in (2.0, 0.0, None))
    run = go(spec_of(card, variants=variants), tmp_path, model).run
    assert model.calls == [{0.0}, {2.0}, {4.0}]
    assert len(attempts(run)) == 3 * 78


class Garbled(OneByOne):
    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        for number, request in enumerate(requests):
            if number == 0:
                yield Prediction(request.key, None, "eos")
            elif number == 1:
                yield Prediction(request.key, "half", "error")
            elif number == 2:
                yield Prediction(request.key, "half", "eos", error="cut off")
            else:
                yield Prediction(request.key, text_of(request), "eos")


def test_an_answer_without_a_text_is_an_error_whatever_the_model_calls_it(tmp_path: Path) -> None:
    model = Garbled(card_of(), text_of)
    lines = attempts(go(spec_of(model.card, limit=6), tmp_path, model).run)
    assert [(line["finish"], line.get("text")) for line in lines[:3]] == [("error", None)] * 3
    assert [line["error"] for line in lines[:3]] == ["the model gave neither a text nor a reason"] * 2 + ["cut off"]
    assert len(errors(lines)) == 3


def test_a_bad_clip_costs_itself_alone_and_a_cut_one_is_noted(tmp_path: Path) -> None:
    folder = bundled("tasks") / "mini-real"
    rows = [{**row, "audio": str(folder / row["audio"])} for row in mini_real()[:4]]
    broken = tmp_path / "broken.flac"
    broken.write_bytes(Path(rows[1]["audio"]).read_bytes()[:9_000])
    rows[1] = {"id": rows[1]["id"], "audio": str(broken), "references": rows[1]["references"]}
    policy = AudioPolicy(max_s=4.0, long_audio="truncate")
    model = OneByOne(card_of(capabilities=Capabilities(audio=True), audio=policy), text_of)
    run = go(spec_of(model.card, "mine", [task_file(tmp_path / "t", rows)]), tmp_path / "out", model).run
    lines = attempts(run, "mine.set")
    assert len(lines) == 4
    (why,) = errors(lines).values()
    assert str(broken) in why and "truncated" in why
    cut = {line["key"]: line["cut_s"] for line in lines if line.get("cut_s")}
    assert sorted(cut.values()) == pytest.approx(sorted(row["duration_s"] - 4 for row in rows[2:]), abs=0.002)
    assert {event["key"] for event in events(run.path, "truncated")} == set(cut)


def test_two_fresh_runs_within_a_second_have_two_folders(tmp_path: Path) -> None:
    paths = {go(spec_of(card_of()), tmp_path, OneByOne(card_of(), text_of), fresh=True).run.path for _ in range(4)}
    assert len(paths) == 4
    assert all(len((path / "plan.jsonl").read_bytes().splitlines()) == 78 for path in paths)


def test_a_named_folder_is_continued_by_its_own_run_only(tmp_path: Path) -> None:
    named = tmp_path / "named"
    model = OneByOne(card_of(), failing(IDS[0]))
    go(spec_of(model.card), tmp_path, model, run_dir=named)
    again = OneByOne(card_of(), text_of)
    go(spec_of(again.card), tmp_path, again, run_dir=named)
    assert again.asked == [IDS[0]]
    with pytest.raises(UsageError, match="holds another run"):
        go(spec_of(model.card, limit=3), tmp_path, model, run_dir=named)
    with pytest.raises(UsageError, match="--fresh"):
        go(spec_of(model.card), tmp_path, model, run_dir=named, fresh=True)
    with pytest.raises(UsageError, match="--shard needs --run-dir"):
        go(spec_of(model.card), tmp_path, model, shard=Shard(1, 2))


def test_what_a_killed_process_was_writing_is_swept_away(tmp_path: Path) -> None:
    run = go(spec_of(card_of()), tmp_path, OneByOne(card_of(), failing(IDS[0]))).run
    leftover = run.path / "scores" / ".asr.mini-real.jsonl.4711.tmp"
    leftover.write_bytes(b"half")
    go(spec_of(card_of()), tmp_path, OneByOne(card_of(), text_of))
    assert not leftover.exists()


def test_a_metric_that_cannot_be_is_refused_before_anything_is_answered_or_moved(tmp_path: Path) -> None:
    model = OneByOne(card_of(), text_of)
    for metric in (MetricSpec("wre"), MetricSpec("wer", settings={"normalizer": "best"}), MetricSpec("fr_paper")):
        with pytest.raises(UsageError, match=f"metric '{metric.name}'"):
            go(spec_of(model.card, metrics=(metric,)), tmp_path, model)
    assert model.asked == []
    outcome = go(spec_of(model.card, limit=2), tmp_path, model, score=True)
    before = outcome.run.results.read_bytes()
    with pytest.raises(UsageError, match="metric 'wre'"):
        score_run(outcome.run, (MetricSpec("wre"),), limit=MaxErrors())
    assert outcome.run.results.read_bytes() == before
    assert outcome.run.read().spec.metrics == ()
