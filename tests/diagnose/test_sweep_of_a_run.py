"""A sweep read off a real run: scales, units, item values, and why there is none."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from salmonn_eval.diagnose.folds import joint_members, joint_units
from salmonn_eval.diagnose.graded import GradedSet, graded_sets
from salmonn_eval.diagnose.reading import Answered, ReadRun, read_run
from salmonn_eval.diagnose.sweep import Sweep, sweep_of
from salmonn_eval.records import Generation, Request, Sample, Variant


@pytest.fixture(scope="module")
def read(swept: Path) -> tuple[ReadRun, list[GradedSet]]:
    run = read_run(swept)
    return run, list(graded_sets(run))


def test_untrained_items_as_values_and_trained_metrics(read: tuple[ReadRun, list[GradedSet]]) -> None:
    run, sets = read
    sweep = sweep_of(run, sets)
    assert isinstance(sweep, Sweep)
    assert (sweep.scales, sweep.default, sweep.left_out) == ((0.0, 4.0), 1, 0)
    assert sweep.names == (("en2de", "mini"), ("story", "mini-speech"))
    assert [(metric.task, metric.name) for metric, _ in sweep.trained] == [("asr", "wer")]
    for place, (task, _) in enumerate(sweep.names):
        for scale, value in enumerate(sweep.scales):
            (graded,) = (
                one for one in sets if one.asked.question.task.id == task and one.asked.variant == Variant(value)
            )
            earned = graded.followed * (graded.own - graded.prior())
            assert sweep.values.sums[place, :, scale].sum() == pytest.approx(earned.sum())
    assert sweep.values.counts.sum() == 24
    assert set(sweep.values.fold.tolist()) == {0, 1, 2, 3, 4}


def test_metrics_of_a_sweep_are_the_run_s_own(read: tuple[ReadRun, list[GradedSet]], swept: Path) -> None:
    run, sets = read
    sweep = sweep_of(run, sets)
    assert isinstance(sweep, Sweep)
    ((metric, _),) = sweep.trained
    results = msgspec.json.decode((swept / "results.json").read_bytes())["results"]
    values = {
        row["variant"]["lora_scale"]: row["value"]
        for row in results
        if (row["task"], row["metric"], row["reading"], row["group"]) == ("asr", "wer", "all", None) and row["headline"]
    }
    assert [metric.value(0), metric.value(1)] == pytest.approx([values[0.0], values[4.0]])


def test_why_there_is_no_sweep(read: tuple[ReadRun, list[GradedSet]]) -> None:
    run, sets = read

    def without(**changes: object) -> ReadRun:
        return msgspec.structs.replace(run, state=msgspec.structs.replace(
            run.state, spec=msgspec.structs.replace(run.state.spec, **changes)
        ))  # fmt: skip

    assert "one LoRA scale" in str(sweep_of(without(variants=(Variant(4.0),)), sets))
    assert "default scale (4.0) is not among" in str(sweep_of(without(variants=(Variant(0.0), Variant(2.0))), sets))
    trained = msgspec.structs.replace(run.state.spec.card, trained_tasks=("asr", "en2de", "story"))
    assert "not trained on" in str(sweep_of(without(card=trained), sets))
    few = [graded for graded in sets if graded.asked.question.task.id != "story"]
    short = [_first(graded, 3) for graded in few]
    assert "fewer than 5 independent clusters in en2de:mini" in str(sweep_of(run, short))


def _first(graded: GradedSet, n: int) -> GradedSet:
    asked = msgspec.structs.replace(graded.asked, answers=graded.asked.answers[:n])
    return msgspec.structs.replace(
        graded, asked=asked, own=graded.own[:n], perfect=graded.perfect[:n], followed=graded.followed[:n],
        undetermined=graded.undetermined[:n], right=graded.right[:n, :n], against=np.arange(n),
        strata=graded.strata[:n], clips=graded.clips[:n],
    )  # fmt: skip


def answered(name: str, *cluster: str) -> Answered:
    request = Request(name, "t", "d", name, "?", (), Generation(9), Variant())
    return Answered(Sample(name, cluster=cluster), request, "", "yes", "as asked")


def test_a_pair_of_voices_joins_them_in_units_and_belongs_to_both_among_members() -> None:
    sets = [("one", [answered("a", "ann"), answered("b", "ben")]), ("two", [answered("c", "ann", "ben")])]
    assert [unit.tolist() for unit in joint_units(sets)] == [[0, 0], [0]]
    who = joint_members(sets)
    assert who.size == 2
    assert (who.first.tolist(), who.second.tolist()) == ([0, 1, 0], [0, 1, 1])
