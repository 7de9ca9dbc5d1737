"""`compare`: the difference by hand, what must match, and what is told of the samples."""

from pathlib import Path

import msgspec
import pytest
from paired_runs import answered, right, rows, shortened

from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.records import Variant
from salmonn_eval.report import compare_text
from salmonn_eval.report.comparison import Compared, Comparison, compare_runs
from salmonn_eval.report.likeness import asked_but, choice, differing, system_but
from salmonn_eval.report.scored import ScoredRun, read_scored
from salmonn_eval.stats.decisions import holm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared")


@pytest.fixture(scope="module")
def gold(folder: Path) -> ScoredRun:
    return read_scored(answered(folder / "gold", right()))


@pytest.fixture(scope="module")
def worse(folder: Path) -> ScoredRun:
    return read_scored(answered(folder / "worse", shortened(right(), 3)))


def row(found: Comparison, metric: str, signature: str = "", group: str | None = None) -> Compared:
    (one,) = (r for r in found.rows if r.metric == metric and signature in r.signature and r.group == group)
    return one


def test_the_difference_is_what_counting_words_gives(gold: ScoredRun, worse: ScoredRun) -> None:
    found = row(compare_runs(worse, gold, every_metric=True), "wer", "norm:plain")
    words = sum(len(r["references"][0].split()) for r in rows())
    assert found.difference.value == pytest.approx(100 * 26 / words)
    assert (found.a, found.b, found.n) == (pytest.approx(100 * 26 / words), 0.0, 78)
    assert (found.better, found.worse, len(found.flips)) == (0, 26, 26)
    assert found.difference.ci is not None and found.difference.ci.low > 0
    assert found.difference.ci.n_clusters == 10
    # Ten speakers, every one of whom got worse: of 1,024 exchanges two are as extreme.
    assert found.difference.chance.p == pytest.approx(2 / 1024)


def test_turned_around_it_is_the_same_with_the_other_sign(gold: ScoredRun, worse: ScoredRun) -> None:
    there, back = (row(compare_runs(*pair), "wer") for pair in ((worse, gold), (gold, worse)))
    assert there.difference.value == -(back.difference.value or 0)
    assert (there.better, there.worse) == (back.worse, back.better)


def test_groups_are_told_apart(gold: ScoredRun, worse: ScoredRun) -> None:
    found = compare_runs(worse, gold)
    groups = [row(found, "wer", group=f"gender={name}") for name in ("female", "male")]
    assert sum(group.n for group in groups) == 78
    assert sum(group.worse for group in groups) == 26
    assert [group.holm for group in groups] == [None, None]


def test_holm_takes_one_headline_metric_a_test_set(folder: Path) -> None:
    answers = [right("mini/sf", task="sf"), right("mini/er", task="er")]
    tasks = {"tasks": "sf:mini,er:mini", "suite": "mini"}
    one = answered(folder / "two-sets", [*answers[0], *answers[1]], **tasks)
    changed = [{**r, "prediction": "no idea"} if n % 9 == 0 else r for part in answers for n, r in enumerate(part)]
    found = compare_runs(read_scored(answered(folder / "two-sets-worse", changed, **tasks)), read_scored(one))
    family = [r for r in found.rows if r.holm is not None]
    assert {(r.task, r.metric) for r in family} == {("sf", "slot_accuracy"), ("er", "accuracy")}
    assert [r.holm for r in family] == holm([r.difference.chance.p or 0.0 for r in family])


def test_another_subset_is_refused_until_the_common_samples_are_asked_for(gold: ScoredRun, folder: Path) -> None:
    part = read_scored(answered(folder / "part", shortened(right(), 3), limit=20))
    with pytest.raises(UsageError, match=r"asked .*n:78.* but .*n:20.*--common"):
        compare_runs(gold, part)
    found = row(compare_runs(part, gold, common=True), "wer")
    assert found.n == 20
    ids = set(part.sets[0].items)
    assert found.worse == sum(r["id"] in ids for n, r in enumerate(right()) if n % 3 == 0)


def test_another_signature_is_refused(gold: ScoredRun, folder: Path) -> None:
    value = gold.sets[0].metrics[0].value
    other = msgspec.structs.replace(gold.sets[0].metrics[0], value=msgspec.structs.replace(value, signature="wer|v:2"))
    changed = msgspec.structs.replace(gold.sets[0], metrics=(other,))
    with pytest.raises(UsageError, match=r"scored as .*norm:whisper-en.* but as v:2"):
        compare_runs(gold, msgspec.structs.replace(gold, sets=(changed,)))


def test_one_model_is_not_compared_under_other_settings(gold: ScoredRun) -> None:
    def beams(count: int) -> ScoredRun:
        told = f"beams:{count}|cap:200|scale:4|dtype:float32|audio:unlimited,mean"
        metrics = tuple(
            msgspec.structs.replace(m, value=msgspec.structs.replace(m.value, system=told))
            for m in gold.sets[0].metrics
        )
        return msgspec.structs.replace(gold, sets=(msgspec.structs.replace(gold.sets[0], metrics=metrics),))

    with pytest.raises(UsageError, match=r"replay was set to beams:1 in .* but to beams:4"):
        compare_runs(beams(1), beams(4))


def test_variants_of_a_run_are_held_against_each_other(folder: Path) -> None:
    answers = right(condition="none") + shortened(right(condition="silence"), 2)
    run = read_scored(answered(folder / "swept", answers, variants=(Variant(), Variant(condition="silence")), limit=78))
    chosen, against = choice("--variant", "condition=silence"), choice("--against", "condition=none")
    found = row(compare_runs(run, run, chosen, against), "wer")
    assert (found.variant_a.condition, found.variant_b.condition) == ("silence", "none")
    assert (found.n, found.worse) == (78, 39)
    with pytest.raises(UsageError, match="no test set in common with condition=noise"):
        compare_runs(run, run, choice("--variant", "condition=noise"), against)


@pytest.mark.parametrize("text", ["", "scale=1", "lora_scale", "lora_scale=much", "condition=dark", "lora_scale=1,"])
def test_a_variant_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--variant"):
        choice("--variant", text)


def test_failed_samples_leave_the_pairs_and_are_told(gold: ScoredRun, folder: Path) -> None:
    answers = right()
    answers[5] = {"id": answers[5]["id"], "error": "out of memory"}
    found = compare_runs(read_scored(answered(folder / "failed", answers)), gold)
    assert (row(found, "wer").n, row(found, "wer").lost_a, row(found, "wer").lost_b) == (77, 1, 0)
    told = compare_text.text(found)
    assert "1 scored for B only, 0 for A only" in told and "1 failed" in told


def test_fingerprints_differ_in_named_parts() -> None:
    assert differing("a|n:1|items:x", "a|n:2|items:x") == ("n:1", "n:2")
    assert differing("a|n:1", "unknown") is None
    assert differing("a|n:1|prompts:p", "a|n:1|prompts:q", frozenset({"prompts"})) is None
    assert differing("a|n:1", "a|n:1|judge:m") == ("nothing", "judge:m")


def test_answers_cannot_break_the_page_or_the_terminal(gold: ScoredRun, folder: Path) -> None:
    hostile = "<script>alert(1)</script> | `x` \x1b[31m **b** [l](http://e)"
    answers = [{**r, "prediction": hostile} if n == 0 else r for n, r in enumerate(right())]
    found = compare_runs(read_scored(answered(folder / "hostile", answers)), gold)
    shown = compare_text.as_markdown(found)
    (line,) = (line for line in shown.splitlines() if "script" in line)
    assert "<script" not in line.replace("\\<", "") and line.replace("\\|", "").count("|") == 6
    assert "\x1b" not in compare_text.text(found)


def test_an_unfinished_run_is_not_compared(folder: Path, gold: ScoredRun) -> None:
    from salmonn_eval.engine.rundir import RunDirectory

    path = answered(folder / "unfinished", right())
    RunDirectory(path).update(status="interrupted")
    with pytest.raises(IncompleteError, match="interrupted, not done"):
        read_scored(path)


def test_a_swept_field_may_differ_in_what_it_changes_and_nowhere_else() -> None:
    scale, prompts = frozenset({"lora_scale"}), frozenset({"prompt_set"})
    assert differing("beams:1|scale:4", "beams:1|scale:1", system_but(scale)) is None
    assert differing("beams:1|scale:4", "beams:4|scale:1", system_but(scale)) == ("beams:1", "beams:4")
    assert differing("beams:1|scale:4", "beams:1|scale:1", system_but(prompts)) == ("scale:4", "scale:1")
    asked = "asr.mini|n:9|items:a|instructions:{}|prompts:{}|condition:none"
    one, other = asked.format("b", "release"), asked.format("c", "paraphrase-1")
    assert differing(one, other, asked_but(prompts)) is None
    assert differing(one, other, asked_but(scale)) is not None
