"""Shards answer the plan between them; merge checks that nothing is missing and gives an undisturbed run's bytes."""

from pathlib import Path

import pytest
from engine_runs import attempts, go, spec_of

from salmonn_eval.engine.account import account
from salmonn_eval.engine.merge import merge
from salmonn_eval.engine.run import score_run
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import MaxErrors, Shard
from salmonn_eval.errors import ExitCode, IncompleteError, UsageError
from salmonn_eval.models.protocol import ModelCard

TASKS = "asr:mini-real,gr:mini-real"


def stored(run: RunDirectory) -> dict[str, bytes]:
    files = [run.results, *sorted((run.path / "scores").iterdir())]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture
def whole(tmp_path: Path, recorded_card: ModelCard) -> dict[str, bytes]:
    """What one undisturbed process stores."""
    return stored(go(spec_of(recorded_card, TASKS), tmp_path / "whole", score=True).run)


@pytest.mark.parametrize("count", [3, pytest.param(2, marks=pytest.mark.slow)])
def test_shards_merge_to_the_same_bytes(
    tmp_path: Path, recorded_card: ModelCard, whole: dict[str, bytes], count: int
) -> None:
    spec = spec_of(recorded_card, TASKS)
    folder = tmp_path / "shards"
    for index in range(count, 0, -1):
        done = go(spec, tmp_path, run_dir=folder, shard=Shard(index, count), score=True)
        assert (done.exit_code, done.values) == (ExitCode.OK, ())
    run = RunDirectory(folder)
    assert len(list((folder / "predictions").iterdir())) == 2 * count
    keys = [line["key"] for line in attempts(run)]
    assert len(keys) == len(set(keys)) == 78
    outcome = merge(run, [], MaxErrors())
    assert (outcome.exit_code, run.read().status) == (ExitCode.OK, "done")
    assert stored(run) == whole


@pytest.mark.slow
def test_shards_in_folders_of_their_own_merge_too(
    tmp_path: Path, recorded_card: ModelCard, whole: dict[str, bytes]
) -> None:
    spec = spec_of(recorded_card, TASKS)
    runs = [
        go(spec, tmp_path, run_dir=tmp_path / f"machine-{index}", shard=Shard(index, 2), score=True).run
        for index in (1, 2)
    ]
    with pytest.raises(IncompleteError, match=r"planned requests have no answer yet.*run the missing shards"):
        merge(runs[0], [], MaxErrors())
    left = account(runs[0]).open
    assert sum(left.values()) == sum(len(attempts(runs[1], name)) for name in left)
    assert merge(runs[0], runs[1:], MaxErrors()).exit_code is ExitCode.OK
    assert stored(runs[0]) == whole


def test_a_foreign_folder_is_refused(tmp_path: Path, recorded_card: ModelCard) -> None:
    spec, other = spec_of(recorded_card, limit=3), spec_of(recorded_card, limit=4)
    run = go(spec, tmp_path, run_dir=tmp_path / "a", shard=Shard(1, 2)).run
    foreign = go(other, tmp_path, run_dir=tmp_path / "b", shard=Shard(2, 2)).run
    with pytest.raises(UsageError, match=r"b: is no shard of .*a \(another specification\)"):
        merge(run, [foreign], MaxErrors())
    with pytest.raises(UsageError, match="not a run directory"):
        merge(run, [RunDirectory(tmp_path / "nothing")], MaxErrors())


def test_two_folders_with_different_answers_of_one_shard_are_refused(tmp_path: Path, recorded_card: ModelCard) -> None:
    spec = spec_of(recorded_card, limit=4)
    first, second = (go(spec, tmp_path, run_dir=tmp_path / name, shard=Shard(1, 1)).run for name in "ab")
    file = second.predictions("asr.mini-real", Shard(1, 1))
    file.write_bytes(file.read_bytes().replace(b'"unknown"', b'"length"', 1))
    with pytest.raises(UsageError, match="two folders hold different answers of one shard"):
        merge(first, [second], MaxErrors())


def test_a_run_without_a_plan_cannot_be_scored(tmp_path: Path, recorded_card: ModelCard) -> None:
    spec = spec_of(recorded_card, limit=4)
    run = go(spec, tmp_path).run
    run.plan.unlink()
    with pytest.raises(UsageError, match="has no plan yet"):
        score_run(run, limit=MaxErrors())


def test_scoring_again_keeps_the_earlier_results_beside_the_new(tmp_path: Path, recorded_card: ModelCard) -> None:
    run = go(spec_of(recorded_card, limit=4), tmp_path, score=True).run
    before = stored(run)
    score_run(run, limit=MaxErrors())
    assert stored(run) == before
    (kept,) = (run.path / "scored").iterdir()
    assert (kept / "results.json").read_bytes() == before["results.json"]
    assert (kept / "scores" / "asr.mini-real.jsonl").read_bytes() == before["asr.mini-real.jsonl"]
