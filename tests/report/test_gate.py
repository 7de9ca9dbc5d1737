"""`check`: pass, regress and inconclusive by the rule; what cannot be judged; and the baseline file."""

import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from paired_runs import answered, right, shortened
from scipy.stats import t as student

from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.records import Interval, Variant
from salmonn_eval.report import gate_ci, gate_text
from salmonn_eval.report.baseline import Baseline, baseline_of, make_baseline, read_baseline, write_baseline
from salmonn_eval.report.gate import Report, Verdict, check
from salmonn_eval.report.likeness import choice
from salmonn_eval.report.scored import ScoredRun, read_scored


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gated")


@pytest.fixture(scope="module")
def gold(folder: Path) -> ScoredRun:
    return read_scored(answered(folder / "gold", right()))


@pytest.fixture(scope="module")
def base(gold: ScoredRun) -> Baseline:
    return baseline_of(gold, {})


@pytest.fixture(scope="module")
def worse(folder: Path) -> ScoredRun:
    return read_scored(answered(folder / "worse", shortened(right(), 3)))


def only(report: Report) -> Verdict:
    (verdict,) = report.verdicts
    return verdict


def test_the_same_answers_pass_whatever_the_tolerance(gold: ScoredRun, base: Baseline) -> None:
    for tolerance in (0.0, 1.0):
        report = check(gold, msgspec.structs.replace(base, tolerances={"wer": tolerance}), "b")
        assert (report.outcome, only(report).why, only(report).changed) == ("pass", "every answer is the same", 0)


def test_a_worsening_beyond_the_tolerance_regresses(worse: ScoredRun, base: Baseline) -> None:
    verdict = only(check(worse, msgspec.structs.replace(base, tolerances={"wer": 0.3}), "b"))
    assert verdict.outcome == "regress"
    assert verdict.interval is not None and verdict.interval.low > 0.3
    assert (verdict.n, verdict.changed, verdict.lost) == (78, 26, 0)
    assert verdict.worsening == pytest.approx((verdict.value or 0) - (verdict.baseline or 0))


def test_the_p_value_is_that_of_the_interval(worse: ScoredRun, base: Baseline) -> None:
    verdict = only(check(worse, msgspec.structs.replace(base, tolerances={"wer": 0.3}), "b"))
    assert verdict.interval is not None and verdict.worsening is not None
    error = (verdict.interval.high - verdict.interval.low) / 2 / student.ppf(0.975, 9)
    assert verdict.p == pytest.approx(2 * student.sf((verdict.worsening - 0.3) / error, 9))


def test_no_number_of_samples_decides_what_lies_on_the_tolerance(worse: ScoredRun, base: Baseline) -> None:
    first = only(check(worse, msgspec.structs.replace(base, tolerances={"wer": 0.3}), "b"))
    assert first.worsening is not None
    on = check(worse, msgspec.structs.replace(base, tolerances={"wer": first.worsening * (1 + 1e-15)}), "b")
    assert (only(on).outcome, only(on).needed) == ("inconclusive", None)
    assert "samples would decide" not in gate_text.sentence(only(on))


def test_an_interval_around_the_tolerance_is_inconclusive_and_says_what_would_decide(
    worse: ScoredRun, base: Baseline
) -> None:
    first = only(check(worse, msgspec.structs.replace(base, tolerances={"wer": 0.3}), "b"))
    assert first.interval is not None and first.worsening is not None
    half = (first.interval.high - first.interval.low) / 2
    tolerance = first.worsening - half / 2
    verdict = only(check(worse, msgspec.structs.replace(base, tolerances={"asr:mini-real wer": tolerance}), "b"))
    assert verdict.outcome == "inconclusive"
    assert verdict.needed == pytest.approx(78 * 4, abs=1)
    assert f"{verdict.needed} samples would decide" in gate_text.sentence(verdict)


def test_a_wide_tolerance_passes_and_an_improvement_too(gold: ScoredRun, worse: ScoredRun, base: Baseline) -> None:
    assert check(worse, msgspec.structs.replace(base, tolerances={"wer": 50.0}), "b").outcome == "pass"
    report = check(gold, baseline_of(worse, {}), "b")
    assert (report.outcome, (only(report).worsening or 0) < 0, only(report).p) == ("pass", True, 1.0)


def test_with_tolerance_0_only_equal_answers_pass(gold: ScoredRun, worse: ScoredRun) -> None:
    better = baseline_of(worse, {})
    report = check(gold, msgspec.structs.replace(better, tolerances={"wer": 0.0}), "b")
    assert report.outcome == "inconclusive"


def test_a_collapse_in_which_nothing_varies_regresses(folder: Path) -> None:
    sets = {"tasks": "er:mini", "suite": "mini"}
    base = baseline_of(read_scored(answered(folder / "er", right("mini/er"), **sets)), {})
    silent = [{**row, "prediction": "xyzzy"} for row in right("mini/er")]
    verdict = only(check(read_scored(answered(folder / "er-silent", silent, **sets)), base, "b"))
    assert (verdict.worsening, verdict.interval, verdict.outcome) == (1.0, None, "regress")


def test_other_words_with_the_same_score_are_inconclusive(folder: Path) -> None:
    sets = {"tasks": "er:mini", "suite": "mini"}
    base = baseline_of(read_scored(answered(folder / "er2", right("mini/er"), **sets)), {})
    told = [{**row, "prediction": f"{row['prediction']}."} for row in right("mini/er")]
    verdict = only(check(read_scored(answered(folder / "er2-told", told, **sets)), base, "b"))
    assert (verdict.worsening, verdict.changed, verdict.outcome) == (0.0, 100, "inconclusive")


def test_a_run_cannot_pass_by_losing_samples(folder: Path, worse: ScoredRun) -> None:
    base = baseline_of(worse, {})
    answers = shortened(right(), 3)
    failing = [{"id": row["id"], "error": "lost"} if number % 3 == 0 else row for number, row in enumerate(answers)]
    verdict = only(check(read_scored(answered(folder / "losing", failing)), base, "b"))
    assert (verdict.lost, verdict.n, verdict.outcome) == (26, 52, "inconclusive")


def test_holm_needs_more_of_each_where_many_are_gated(worse: ScoredRun, gold: ScoredRun, base: Baseline) -> None:
    first = only(check(worse, msgspec.structs.replace(base, tolerances={"wer": 0.3}), "b"))
    assert first.interval is not None and first.worsening is not None
    half = (first.interval.high - first.interval.low) / 2
    just = msgspec.structs.replace(base, tolerances={"wer": first.worsening - half * 1.01})
    assert only(check(worse, just, "b")).outcome == "regress"
    twice = msgspec.structs.replace(just.sets[0], metrics=just.sets[0].metrics * 2)
    doubled = msgspec.structs.replace(
        twice,
        samples=tuple(msgspec.structs.replace(s, stats=s.stats * 2) for s in twice.samples),
    )
    report = check(worse, msgspec.structs.replace(just, sets=(doubled,)), "b")
    assert [verdict.outcome for verdict in report.verdicts] == ["inconclusive", "inconclusive"]


def test_variants_are_held_against_each_other(folder: Path, gold: ScoredRun, base: Baseline) -> None:
    silence = (Variant(condition="silence"),)
    run = read_scored(answered(folder / "silent", shortened(right(), 1), variants=silence))
    with pytest.raises(UsageError, match="--variant X --against Y"):
        check(run, base, "b")
    report = check(run, base, "b", choice("", "condition=silence"), choice("", "condition=none"))
    assert report.outcome == "regress"


def test_another_subset_or_scoring_cannot_be_compared(folder: Path, gold: ScoredRun, base: Baseline) -> None:
    part = read_scored(answered(folder / "part", right(), limit=20))
    with pytest.raises(UsageError, match=r"asked n:78 .* but n:20"):
        check(part, base, "b")
    metric = msgspec.structs.replace(base.sets[0].metrics[0], signature="wer|v:2")
    other = msgspec.structs.replace(base, sets=(msgspec.structs.replace(base.sets[0], metrics=(metric,)),))
    with pytest.raises(UsageError, match=r"scored as v:2 in b but norm:whisper-en"):
        check(gold, other, "b")


def test_settings_beyond_the_variant_cannot_be_compared(gold: ScoredRun, base: Baseline) -> None:
    def told(system: str) -> tuple[ScoredRun, Baseline]:
        scored = gold.sets[0]
        metrics = tuple(
            msgspec.structs.replace(m, value=msgspec.structs.replace(m.value, system=system)) for m in scored.metrics
        )
        run = msgspec.structs.replace(gold, sets=(msgspec.structs.replace(scored, metrics=metrics),))
        return run, baseline_of(run, {})

    (run, _), (_, held) = told("beams:1|scale:4"), told("beams:4|scale:4")
    with pytest.raises(UsageError, match=r"set to beams:4 in b but beams:1"):
        check(run, held, "b")


def test_what_is_not_whole_is_refused(folder: Path, base: Baseline, tmp_path: Path) -> None:
    path = answered(folder / "broken", right())
    RunDirectory(path).update(status="incomplete")
    with pytest.raises(IncompleteError, match="incomplete"):
        check(read_scored(path), base, "b")
    with pytest.raises(IncompleteError, match="only a whole run becomes a baseline"):
        make_baseline(path, tmp_path / "b.json", {})
    assert not (tmp_path / "b.json").exists()


def test_a_metric_that_the_run_lacks_is_refused(gold: ScoredRun, base: Baseline) -> None:
    bare = msgspec.structs.replace(gold, sets=(msgspec.structs.replace(gold.sets[0], metrics=()),))
    with pytest.raises(IncompleteError, match="asr:mini-real wer of b is absent"):
        check(bare, base, "b")


def test_the_file_holds_a_sample_a_line_and_keeps_tolerances(gold: ScoredRun, worse: ScoredRun, tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    make_baseline(gold.path, file, {})
    assert read_baseline(file) == baseline_of(gold, {})
    lines = file.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('    {"id":') for line in lines) == 78
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**document, "tolerances": {"wer": 2.5}}), encoding="utf-8")
    made = make_baseline(worse.path, file, {})
    assert made.tolerances == {"wer": 2.5} == read_baseline(file).tolerances


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 9}, "'schema' is 9, expected 1"),
        ({"tolerances": {"bleu": 1.0}}, "'bleu' is no metric of this baseline; expected one of asr:mini-real wer, wer"),
        ({"tolerances": {"wer": -1.0}}, "expected a number from 0 up"),
        ({"tolerances": {"wer": "little"}}, "not a valid baseline"),
        ({"speed": 3}, "not a valid baseline"),
    ],
)
def test_a_broken_file_is_named(base: Baseline, tmp_path: Path, change: dict[str, object], told: str) -> None:
    file = tmp_path / "base.json"
    write_baseline(file, base)
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(UsageError, match=told) as fault:
        read_baseline(file)
    assert str(file) in str(fault.value)


def a_verdict(**changes: object) -> Verdict:
    plain = Verdict(
        name="asr:mini",
        variant=Variant(),
        metric="wer",
        unit="percent",
        better="lower",
        baseline=1.0,
        value=4.0,
        worsening=3.0,
        interval=Interval(2.0, 4.0, "m", 50),
        tolerance=1.0,
        p=0.001,
        holm=0.001,
        n=100,
        lost=0,
        changed=9,
        needed=None,
        outcome="regress",
        why="worse",
    )
    return msgspec.structs.replace(plain, **changes)


def test_machines_read_the_verdicts() -> None:
    verdicts = (
        a_verdict(),
        a_verdict(outcome="inconclusive", why="50 % of\n::error::it | <b>"),
        a_verdict(outcome="pass"),
    )
    report = Report("run", "nano", "base.json", "regress", verdicts, ())
    first, second = gate_ci.annotations(report)
    assert first.startswith("::error title=asr%3Amini wer%3A regress::asr:mini wer regress: worse by +3.00 %25 ")
    assert second.startswith("::warning ") and "\n" not in second and "50 %25 of%0A::error" in second
    cases = ElementTree.fromstring(gate_ci.junit(report)).findall("./testsuite/testcase")
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["skipped"], ["system-out"]]
    suite = ElementTree.fromstring(gate_ci.junit(report, strict=True)).find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "2", "0")
    assert [line.split(" ")[0] for line in gate_ci.annotations(report, strict=True)] == ["::error", "::error"]
    assert "<b>" not in gate_text.summary(report).replace("\\<b", "")
