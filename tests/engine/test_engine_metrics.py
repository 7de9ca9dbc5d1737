"""Metrics of the other tasks in a run: what they need of data and model reaches them, and what lacks is told."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine_runs import OneByOne, Row, card_of, go, spec_of, write_rows

from salmonn_eval.models.protocol import AudioSource, Capabilities
from salmonn_eval.records import MetricValue, Prediction, Request

TASK = """\
id: {id}
level: 1
title: For one test
instruction: {instruction}
language: en
generation: {{max_new_tokens: 40}}
labels: {labels}
metrics: [{metrics}]
following: {{rule: {rule}}}
item_score: hit
datasets:
  set: {{suite: mini-real, source: manifest, path: {id}.jsonl, cluster: both speakers, fields: [transcript, slot]}}
version: 1
"""
SENTENCES = [
    ("event reminder mona tuesday", {"event_name": "mona", "date": "tuesday"}),
    ("please send a mail to my friend divya how are you", {"relation": "friend", "person": "divya"}),
]


class Sure(OneByOne):
    """Answers yes, with log-probabilities."""

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        for answer in super().generate(requests, audio):
            odds = 1.0 if int(self.asked[-1][1:]) % 2 else -1.0
            yield msgspec.structs.replace(answer, label_logprobs={"yes": -1.0 + odds, "no": -1.0 - odds})


def task(folder: Path, id_: str, rows: Iterable[Row], **parts: Any) -> Path:
    given = {"instruction": "Answer.", "labels": "{}", "rule": "answer", **parts}
    write_rows(folder / f"{id_}.jsonl", rows)
    (folder / f"{id_}.yaml").write_text(TASK.format(id=id_, **given), encoding="utf-8")
    return folder


def values(outcome: Any) -> dict[str, MetricValue]:
    return {
        f"{value.metric}{value.signature.partition('items:')[2].partition('|')[0]}": value
        for value in outcome.values
        if value.reading == "all"
    }


@pytest.mark.parametrize("logprobs", [True, False])
def test_equal_error_rate_is_missing_without_log_probabilities(logprobs: bool, tmp_path: Path) -> None:
    rows = [
        {"id": f"t{n}", "labels": ["yes" if n % 2 else "no"], "cluster": [f"s{n % 7}", f"s{(n * 3) % 11}"]}
        for n in range(40)
    ]
    folder = task(
        tmp_path / "tasks", "trials", rows, labels='{"yes": [], "no": []}', rule="yes_no",
        metrics="{name: accuracy, headline: true}, {name: eer}",
    )  # fmt: skip
    card = card_of(capabilities=Capabilities(audio=False, logprobs=logprobs))
    outcome = go(spec_of(card, "trials", [folder]), tmp_path / "out", Sure(card, lambda request: "Yes."), score=True)
    found = values(outcome)
    assert found["accuracy"].value == 0.5
    if logprobs:
        assert (found["eer"].value, found["eer"].status, found["eer"].n_scored) == (0.0, "ok", 40)
    else:
        assert (found["eer"].value, found["eer"].status) == (None, "missing")
        assert found["eer"].why == "model 'in-test' gives no log-probabilities"
    assert outcome.exit_code == 0


def test_copying_the_question_wins_no_slot(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"{number}-{slot}",
            "references": [value],
            "cluster": [f"speaker {number}"],
            "fields": {"transcript": sentence, "slot": slot.replace("_", " "), "slots": slots},
        }
        for number, (sentence, slots) in enumerate(SENTENCES)
        for slot, value in slots.items()
    ]
    folder = task(
        tmp_path / "tasks", "slots", rows, rule="answers_speech", instruction='"What is the {{ slot }}?"',
        metrics="{name: slot_accuracy, headline: true}, {name: slot_accuracy, settings: {items: several}}, "
        "{name: slot_contains}",
    )  # fmt: skip
    card = card_of()
    said = {row["id"]: row["fields"]["transcript"] for row in rows}
    right = {row["id"]: row["references"][0] for row in rows}
    for texts, expected in ((said, 0.0), (right, 1.0)):
        model = OneByOne(card, lambda request, texts=texts: texts[request.sample_id])
        found = values(go(spec_of(card, "slots", [folder]), tmp_path / f"out{expected}", model, score=True))
        assert (found["slot_accuracyall"].value, found["slot_accuracyseveral"].value) == (expected, expected)
        assert found["slot_contains"].value == 1.0
        assert found["following_rate"].value == expected


def test_grounding_sees_all_captions_though_only_some_are_asked(tmp_path: Path) -> None:
    sounds = ["dog barks", "rain falls", "train passes", "bell rings", "crowd cheers", "baby cries", "door slams"]
    rows = [{"id": f"c{n}", "references": [f"the {sound} outside"]} for n, sound in enumerate(sounds)]
    folder = task(tmp_path / "tasks", "tales", rows, metrics="{name: grounding, headline: true}, {name: eos_rate}")
    card = card_of()
    model = OneByOne(card, lambda request: f"Once the {sounds[int(request.sample_id[1:])]}.")
    spec = spec_of(card, "tales", [folder], limit=3)
    found = values(go(spec, tmp_path / "out", model, score=True))
    assert (found["grounding"].value, found["grounding"].n_scored) == (1.0, 3)
    assert "|top1-of:7|" in found["grounding"].signature
    assert found["eos_rate"].value == 1.0
