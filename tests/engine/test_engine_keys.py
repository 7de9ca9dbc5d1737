"""Equal keys mean the same question to the same model; everything that can change an answer changes the key."""

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from engine_runs import card_of, go, mini_real, spec_of, task_file
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from salmonn_eval.bundled import bundled
from salmonn_eval.engine.keys import request_key, shard_of
from salmonn_eval.engine.plan import read_plan
from salmonn_eval.models.protocol import Capabilities
from salmonn_eval.records import AudioPolicy, AudioRef, Clip, Generation, Request, Variant

WORDS = st.text('ab |,[]"', max_size=4)
SECONDS = st.sampled_from([0.0, 0.5, 1.0])
REFS = st.builds(
    AudioRef,
    path=st.just("x.flac"),
    sha256=st.sampled_from(["a" * 64, "b" * 64]),
    start_s=SECONDS,
    end_s=st.sampled_from([None, 2.0]),
)
CLIPS = st.builds(
    Clip,
    parts=st.lists(REFS, min_size=1, max_size=2).map(tuple),
    join=st.sampled_from(["concat", "mix"]),
    gap_s=SECONDS,
    gains=st.sampled_from([(), (1.0,), (0.5, 1.0)]),
    mix_length=st.sampled_from(["min", "max"]),
    condition=st.sampled_from(["none", "silence", "noise", "swapped"]),
    condition_seed=st.integers(0, 2),
)
GENERATIONS = st.builds(
    Generation,
    max_new_tokens=st.sampled_from([10, 200]),
    num_beams=st.sampled_from([1, 4]),
    do_sample=st.booleans(),
    temperature=st.sampled_from([0.7, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.5]),
)
VARIANTS = st.builds(
    Variant,
    lora_scale=st.sampled_from([None, 0.0, 2.0, 4.0]),
    prompt_set=st.sampled_from(["release", "paraphrase-1"]),
    condition=st.sampled_from(["none", "noise"]),
    seed=st.integers(0, 1),
)
POLICIES = st.builds(
    AudioPolicy, max_s=st.sampled_from([None, 30.0]), long_audio=st.sampled_from(["truncate", "error", "keep"])
)
QUESTIONS = st.fixed_dictionaries(
    {
        "task": WORDS,
        "dataset": WORDS,
        "sample_id": WORDS,
        "clips": st.lists(CLIPS, min_size=1, max_size=2).map(tuple),
        "instruction": WORDS,
        "generation": GENERATIONS,
        "variant": VARIANTS,
        "policy": POLICIES,
        "model": st.sampled_from(["model-one", "model-two"]),
    }
)

FIELDS = ("task", "dataset", "sample_id", "clips", "instruction", "generation", "variant", "policy", "model")


@settings(max_examples=100, deadline=None)
@given(one=QUESTIONS, two=QUESTIONS)
def test_two_different_questions_never_share_a_key(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert (request_key(**one) == request_key(**two)) is (one == two)


@settings(max_examples=150, deadline=None)
@given(one=QUESTIONS, two=QUESTIONS, field=st.sampled_from(FIELDS))
def test_changing_one_thing_changes_the_key(one: dict[str, Any], two: dict[str, Any], field: str) -> None:
    assume(one[field] != two[field])
    assert request_key(**one) != request_key(**{**one, field: two[field]})


def test_audio_counts_by_content_where_it_is_known_and_by_place_where_not() -> None:
    def key(*refs: AudioRef) -> str:
        question = {"task": "asr", "dataset": "d", "sample_id": "s", "instruction": "i", "model": "m"}
        settled = {"generation": Generation(10), "variant": Variant(), "policy": AudioPolicy()}
        return request_key(clips=[Clip(refs)], **question, **settled)  # type: ignore[arg-type]

    assert key(AudioRef("here/a.flac", sha256="1")) == key(AudioRef("there/b.flac", sha256="1"))
    assert key(AudioRef("here/a.flac", sha256="1")) != key(AudioRef("here/a.flac", sha256="2"))
    assert key(AudioRef("here/a.flac")) != key(AudioRef("there/a.flac"))


def plan_keys(folder: Path, out: Path) -> dict[str, str]:
    card = card_of(capabilities=Capabilities(audio=True))
    run = go(spec_of(card, "mine", [folder]), out, _Deaf(card)).run
    return {row.request.sample_id: row.request.key for row in read_plan(run)}


class _Deaf:
    """Answers nothing: only the plan is looked at."""

    def __init__(self, card: Any) -> None:
        self.card = card

    def generate(self, requests: Any, audio: Any) -> Any:
        return iter(())

    def logprobs(self, requests: Any, continuations: Any, audio: Any) -> Any:
        return iter(())


def corpus(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "audio").mkdir(parents=True)
    for row in rows:
        shutil.copy(bundled("tasks") / "mini-real" / row["audio"], folder / row["audio"])
    return task_file(folder, rows)


def test_moving_and_reordering_a_corpus_keeps_its_keys_and_changing_a_file_changes_one(tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "sha256"} for row in mini_real()[:6]]
    first = plan_keys(corpus(tmp_path / "first", rows), tmp_path / "out")
    shuffled = random.Random(1).sample(rows, k=6)
    moved = corpus(tmp_path / "moved" / "elsewhere", shuffled)
    assert plan_keys(moved, tmp_path / "moved out") == first
    (moved / rows[2]["audio"]).write_bytes((moved / rows[3]["audio"]).read_bytes())
    changed = plan_keys(moved, tmp_path / "changed out")
    assert {id_ for id_ in first if first[id_] != changed[id_]} == {rows[2]["id"]}


@settings(max_examples=50, deadline=None)
@given(clips=st.lists(CLIPS, min_size=1, max_size=2).map(tuple), count=st.integers(1, 5), data=st.data())
def test_every_request_has_one_shard_and_requests_that_share_audio_share_it(
    clips: tuple[Clip, ...], count: int, data: st.DataObject
) -> None:
    def request() -> Request:
        question = data.draw(QUESTIONS)
        fields = ("task", "dataset", "sample_id", "instruction", "generation", "variant")
        return Request(key="k", clips=clips, **{name: question[name] for name in fields})

    shard = shard_of(request(), count)
    assert 1 <= shard <= count
    assert shard_of(request(), count) == shard


def test_shards_partition_the_plan_into_parts_of_like_size() -> None:
    requests = [
        Request(
            "k", "asr", "d", row["id"], "i", (Clip((AudioRef("p", sha256=row["sha256"]),)),), Generation(9), Variant()
        )
        for row in mini_real()
    ]
    for count in (2, 3):
        sizes = Counter(shard_of(request, count) for request in requests)
        assert sum(sizes.values()) == 78
        assert set(sizes) == set(range(1, count + 1))
        assert min(sizes.values()) > 78 / count / 2
