"""What stands in results.json: fingerprints that tell questions apart, and nothing that differs between equal runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from engine_runs import OneByOne, card_of, go, spec_of, task_file

from salmonn_eval.engine.scoring import score_question
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.records import AudioPolicy, MetricValue, Variant


def values(spec: RunSpec, out: Path) -> list[MetricValue]:
    model = OneByOne(spec.card, lambda request: "so it was")
    return score_question(go(spec, out, model).run, spec.questions[0].name)


def asked(spec: RunSpec, out: Path) -> str:
    (found,) = {value.asked for value in values(spec, out)}
    return found


def system(spec: RunSpec, out: Path) -> str:
    (found,) = {value.system for value in values(spec, out)}
    return found


def test_asked_tells_questions_apart_and_not_models(tmp_path: Path) -> None:
    base = asked(spec_of(card_of(), limit=6), tmp_path)
    same = [
        spec_of(card_of("another", fingerprint="1" * 16, dtype="bfloat16"), limit=6),
        spec_of(card_of(), limit=6, generation={"max_new_tokens": 7}),
        spec_of(card_of(capabilities=Capabilities(audio=True), audio=AudioPolicy(max_s=3.0)), limit=6),
    ]
    other = [
        spec_of(card_of(), limit=7),
        spec_of(card_of(), limit=6, seed=1),
        spec_of(card_of(), limit=6, variants=(Variant(prompt_set="paraphrase-1"),)),
        spec_of(card_of(), limit=6, variants=(Variant(condition="silence"),)),
        spec_of(card_of(), limit=6, variants=(Variant(condition="noise", seed=1),)),
        spec_of(card_of(), limit=6, variants=(Variant(condition="noise", seed=2),)),
        spec_of(card_of(), "gr:mini-real", limit=6),
    ]
    assert [asked(spec, tmp_path) for spec in same] == [base] * len(same)
    found = [asked(spec, tmp_path) for spec in other]
    assert len({base, *found}) == 1 + len(found)


def test_asked_tells_wordings_apart(tmp_path: Path) -> None:
    rows = [{"id": "1", "references": ["a"]}]
    one = task_file(tmp_path / "one", rows, instruction="Write it down.")
    two = task_file(tmp_path / "two", rows, instruction="Write it all down.")
    found = [asked(spec_of(card_of(), "mine", [folder]), tmp_path / "out") for folder in (one, one, two)]
    assert found[0] == found[1] != found[2]


def test_system_tells_settings_apart(tmp_path: Path) -> None:
    beams = Capabilities(audio=False, beams=True)
    adapter = Capabilities(audio=False, lora_scale="per_row")
    specs = [
        spec_of(card_of(), limit=2),
        spec_of(card_of(), limit=2, generation={"max_new_tokens": 7}),
        spec_of(card_of(capabilities=beams), limit=2, generation={"num_beams": 4}),
        spec_of(card_of(capabilities=adapter, default_lora_scale=4.0), limit=2),
        spec_of(card_of(capabilities=adapter, default_lora_scale=4.0), limit=2, variants=(Variant(lora_scale=2.0),)),
        spec_of(card_of(dtype="bfloat16"), limit=2),
        spec_of(card_of(audio=AudioPolicy(max_s=30.0)), limit=2),
        spec_of(card_of(), limit=2, generation={"repetition_penalty": 1.5}),
        spec_of(card_of(), limit=2, generation={"do_sample": True, "temperature": 0.7}),
    ]
    found = [system(spec, tmp_path) for spec in specs]
    assert len(set(found)) == len(found)
    named = spec_of(specs[3].card, limit=2, variants=(Variant(lora_scale=4.0),))
    assert system(named, tmp_path) == found[3]
    assert "scale:4" in found[3] and "scale" not in found[0]


def walk(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for entry in inside for found in walk(entry))]


def test_two_runs_of_one_spec_have_the_same_bytes_and_no_time_or_name_in_them(
    tmp_path: Path, recorded_card: ModelCard
) -> None:
    spec = spec_of(recorded_card, "asr:mini-real,gr:mini-real", metrics=())
    runs = [go(spec, tmp_path / name, score=True).run for name in ("first", "second")]
    first, second = (run.results.read_bytes() for run in runs)
    assert first == second
    for name in ("asr.mini-real", "gr.mini-real"):
        assert runs[0].scores(name).read_bytes() == runs[1].scores(name).read_bytes()
    document = json.loads(first, parse_constant=pytest.fail)
    assert set(document) == {"schema", "results"}
    text = first.decode()
    for private in (runs[0].path.name, str(tmp_path), runs[0].read().created[:10], "NaN", "Infinity", "N/A"):
        assert private not in text
    assert not [value for value in walk(document) if isinstance(value, float) and value != value]


def test_values_stand_in_plan_order_and_what_cannot_be_asked_comes_last(tmp_path: Path) -> None:
    narrow = card_of(tasks=("asr",))
    outcome = go(spec_of(narrow, "level1", limit=2), tmp_path, OneByOne(narrow, lambda request: "a"), score=True)
    tasks = list(dict.fromkeys(value.task for value in outcome.values))
    assert tasks[0] == "asr"
    lacking = [value for value in outcome.values if value.task != "asr"]
    assert {value.status for value in lacking} == {"not applicable"}
    assert {"aac", "en2zh", "er", "mc", "osr", "pr", "sv"} <= {value.task for value in lacking}
    assert outcome.exit_code == 0
