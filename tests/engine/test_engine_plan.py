"""What is planned: seeded limits, named samples, conditions, prompt sets, counts; and the spec hash of it all."""

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from engine_runs import OneByOne, card_of, go, mini_real, recorded, replay, spec_of, task_file, write_rows

from salmonn_eval.engine.plan import Planner, PlanRow, read_plan
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import ExitCode, UsageError
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.records import Variant

HEARING = card_of(capabilities=Capabilities(audio=True))


def planned(spec: RunSpec) -> list[PlanRow]:
    return list(Planner(spec, spec.questions[0]).rows())


def ids(spec: RunSpec) -> list[str]:
    return [row.request.sample_id for row in planned(spec)]


def test_a_limit_is_a_seeded_sample_and_not_the_head() -> None:
    everything = [row["id"] for row in mini_real()]
    drawn = ids(spec_of(card_of(), limit=10))
    assert len(drawn) == 10
    assert drawn != everything[:10]
    assert drawn == [id_ for id_ in everything if id_ in drawn]
    assert ids(spec_of(card_of(), limit=10)) == drawn
    assert ids(spec_of(card_of(), limit=10, seed=1)) != drawn
    assert set(drawn) < set(ids(spec_of(card_of(), limit=20)))
    assert ids(spec_of(card_of(), limit=0)) == everything
    assert ids(spec_of(card_of(), limit=1_000)) == everything


def test_a_limit_draws_the_same_samples_from_a_reordered_list(tmp_path: Path) -> None:
    rows = [{"id": row["id"], "references": row["references"]} for row in mini_real()]
    shuffled = random.Random(5).sample(rows, k=len(rows))
    one = spec_of(card_of(), "mine", [task_file(tmp_path / "one", rows)], limit=7)
    two = spec_of(card_of(), "mine", [task_file(tmp_path / "two", shuffled)], limit=7)
    assert set(ids(one)) == set(ids(two))


def test_a_quick_limit_holds_on_embedded_sets_until_somebody_says_otherwise() -> None:
    quick = card_of(quick_limit=6)
    assert len(ids(spec_of(quick))) == 6
    assert len(ids(spec_of(quick, limit=0))) == 78


def test_the_plan_counts_samples_whatever_the_limit_and_the_variants() -> None:
    variants = (Variant(), Variant(condition="silence"), Variant(prompt_set="paraphrase-1"))
    spec = spec_of(HEARING, limit=5, variants=variants)
    planner = Planner(spec, spec.questions[0])
    rows = list(planner.rows())
    summary = planner.summary()
    assert (len(rows), summary.n_planned, summary.n_total, summary.n_absent) == (15, 5, 78, 0)
    assert summary.audio_s == pytest.approx(sum(row.seconds for row in rows), abs=0.01)


def test_named_samples_are_asked_and_unknown_ones_are_a_usage_error(tmp_path: Path) -> None:
    wanted = (mini_real()[40]["id"], mini_real()[7]["id"])
    assert set(ids(spec_of(card_of(), sample_ids=wanted))) == set(wanted)
    model = OneByOne(card_of(), lambda request: "a")
    for _ in range(2):
        with pytest.raises(UsageError, match=r"--sample-id nobody: no such sample in asr\.mini-real"):
            go(spec_of(model.card, sample_ids=("nobody",)), tmp_path, model)


def test_absent_audio_is_counted_and_not_planned(tmp_path: Path) -> None:
    rows = [{"id": row["id"], "references": row["references"]} for row in mini_real()[:5]]
    rows[3]["audio"] = "gone.flac"
    spec = spec_of(card_of(), "mine", [task_file(tmp_path, rows)])
    planner = Planner(spec, spec.questions[0])
    assert rows[3]["id"] not in [row.request.sample_id for row in planner.rows()]
    summary = planner.summary()
    assert (summary.n_total, summary.n_absent, summary.n_planned) == (5, 1, 4)


def test_swapped_gives_everyone_the_sound_of_another_and_every_sound_once() -> None:
    spec = spec_of(HEARING, variants=(Variant(), Variant(condition="swapped")))
    sounds: dict[str, dict[str, str]] = {"none": {}, "swapped": {}}
    for row in planned(spec):
        (clip,) = row.request.clips
        assert clip.condition == row.request.variant.condition
        sounds[row.request.variant.condition][row.request.sample_id] = clip.parts[0].sha256 or ""
    own, other = sounds["none"], sounds["swapped"]
    assert all(own[id_] != other[id_] for id_ in own)
    assert Counter(other.values()) == Counter(own.values())


def test_variants_of_a_sample_stand_together_and_each_has_its_own_key() -> None:
    kinds = [Variant(condition=kind, seed=seed) for kind, seed in (("none", 0), ("silence", 0), ("noise", 1))]
    rows = planned(spec_of(HEARING, variants=tuple(kinds), limit=4))
    assert [row.request.variant for row in rows] == kinds * 4
    assert len({row.request.key for row in rows}) == 12


def test_a_prompt_set_is_the_task_s_own_wording() -> None:
    spec = spec_of(card_of(), variants=(Variant(), Variant(prompt_set="paraphrase-2")), limit=1)
    task = spec.questions[0].task
    assert [row.request.instruction for row in planned(spec)] == [task.instruction, task.paraphrases[1]]


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"variants": (Variant(prompt_set="paraphrase-9"),)}, "no prompt set `paraphrase-9`"),
        ({"variants": (Variant(prompt_set="seen-1"),)}, "--seen-prompts FILE"),
        ({"generation": {"max_tokens": 5}}, "unknown generation setting 'max_tokens'"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_folder_is_made(
    tmp_path: Path, wishes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        go(spec_of(card_of(), **wishes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plan_whose_count_was_lost_to_a_kill_is_made_again(tmp_path: Path, recorded_card: ModelCard) -> None:
    spec = spec_of(recorded_card)
    run = go(spec, tmp_path).run
    whole = run.plan.read_bytes()
    run.update(plan=(), status="planning")
    outcome = go(spec, tmp_path)
    assert (outcome.run.path, outcome.exit_code) == (run.path, ExitCode.OK)
    assert run.plan.read_bytes() == whole
    assert run.read().plan[0].n_planned == 78


def test_the_spec_hash_differs_with_whatever_changes_a_number(tmp_path: Path, recorded_card: ModelCard) -> None:
    base = spec_of(recorded_card)
    other_answers = replay(tmp_path / "other.jsonl", recorded()[:-1])
    changed_rows = [{"id": "1", "references": ["a"]}]
    different = [
        spec_of(other_answers),
        spec_of(recorded_card, limit=5),
        spec_of(recorded_card, seed=1),
        spec_of(recorded_card, generation={"max_new_tokens": 7}),
        spec_of(recorded_card, variants=(Variant(prompt_set="paraphrase-1"),)),
        spec_of(recorded_card, sample_ids=("1688-142285-0002",)),
        spec_of(recorded_card, "gr:mini-real"),
        spec_of(recorded_card, "mine", [task_file(tmp_path / "t", changed_rows)]),
    ]
    write_rows(tmp_path / "t" / "mine.jsonl", [{"id": "1", "references": ["b"]}])
    different.append(spec_of(recorded_card, "mine", [tmp_path / "t"]))
    hashes = [spec.hash() for spec in (base, *different)]
    assert len(set(hashes)) == len(hashes)
    assert spec_of(recorded_card).hash() == base.hash()
    assert msgspec.json.decode(msgspec.json.encode(base), type=RunSpec).hash() == base.hash()


def test_how_a_run_is_executed_is_no_part_of_its_identity(tmp_path: Path, recorded_card: ModelCard) -> None:
    spec = spec_of(recorded_card, limit=3)
    outcome = go(spec, tmp_path, batch_size=1, workers=1, fail_fast=True)
    assert go(spec, tmp_path, batch_size=7, workers=3).run.path == outcome.run.path
    assert len(list(read_plan(RunDirectory(outcome.run.path)))) == 3


def test_a_repeated_id_is_refused_with_both_places(tmp_path: Path) -> None:
    folder = task_file(tmp_path, [{"id": "a", "references": ["x"]}, {"id": "a", "references": ["y"]}])
    with pytest.raises(UsageError, match=r"mine.jsonl:2: id 'a' stands already in .*mine.jsonl:1"):
        go(spec_of(card_of(), "mine", [folder]), tmp_path / "out")
