"""The embedded recordings: whole, unchanged, and credited."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from salmonn_eval.bundled import bundled
from salmonn_eval.data.audio import decode
from salmonn_eval.data.sources import open_source
from salmonn_eval.records import AudioPolicy
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.selection import find_task

FOLDER = bundled("tasks") / "mini-real"
# The 39 phones of CMUdict; vowels carry a stress digit.
VOWELS = set("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
CONSONANTS = set("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split())


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("task_id", "count"), [("asr", 78), ("pr", 60), ("gr", 78)])
def test_a_manifest_has_the_stated_number_of_unique_items(bundled_tasks: Catalogue, task_id: str, count: int) -> None:
    dataset = find_task(bundled_tasks, task_id).spec.datasets["mini-real"]
    assert dataset.path == f"mini-real/{task_id}.jsonl"
    assert dataset.n_expected == len(rows(task_id)) == len({row["id"] for row in rows(task_id)}) == count
    for row in rows(task_id):
        assert set(dataset.fields) <= set(row["fields"])
        assert row["cluster"] == [row["id"].split("-")[0]]
        assert row["group"]["gender"] in {"male", "female"}


@pytest.mark.parametrize(("task_id", "count"), [("er", 33), ("osr", 35), ("sf", 106), ("sv", 119)])
def test_what_is_made_of_several_corpora_and_of_pairs_is_all_there(
    bundled_tasks: Catalogue, task_id: str, count: int
) -> None:
    dataset = find_task(bundled_tasks, task_id).spec.datasets["mini-real"]
    samples = list(open_source(dataset, bundled("tasks"), {}).samples())
    assert dataset.n_expected == len(samples) == count
    for sample in samples:
        assert set(dataset.fields) <= set(sample.fields)
        assert sample.cluster and decode(sample.clips[0], AudioPolicy()).seconds > 1


def test_pairs_are_of_the_speakers_that_they_name() -> None:
    transcripts = {row["audio"]: row["fields"]["transcript"] for row in rows("asr")}
    hashes = {row["audio"]: row["sha256"] for row in rows("asr")}
    for row in (*rows("osr"), *rows("sv")):
        speakers = [part["path"].removeprefix("audio/").split("-")[0] for part in row["audio"]]
        assert list(dict.fromkeys(speakers)) == row["cluster"]
        assert all(hashes[part["path"]] == part["sha256"] for part in row["audio"])
    for row in rows("osr"):
        assert row["references"] == [transcripts[part["path"]] for part in row["audio"]]
        for part, gain in zip(row["audio"], row["gains"], strict=True):
            sound = soundfile.read(FOLDER / part["path"])[0] * gain
            assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.06, abs=1e-4)
    for row in rows("sv"):
        assert row["labels"] == ["yes" if len(row["cluster"]) == 1 else "no"]


def test_orders_have_the_asked_slot_among_their_slots() -> None:
    for row in rows("sf"):
        assert row["references"] == [row["fields"]["slots"][row["fields"]["slot"]]]
        assert row["id"] == f"{row['cluster'][0]}/{row['fields']['slot']}"


def test_recordings_are_bit_identical_and_as_long_as_stated() -> None:
    listed = {row["audio"]: row for name in ("asr", "pr", "gr", "er", "sf") for row in rows(name)}
    assert {f"audio/{file.name}" for file in (FOLDER / "audio").iterdir()} == set(listed)
    for name, row in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == row["sha256"]
        info = soundfile.info(FOLDER / name)
        assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")
        assert info.duration == pytest.approx(row["duration_s"], abs=1e-4)
    assert sum(row["duration_s"] for row in listed.values()) == pytest.approx(440.0 + 57.2 + 208.3, abs=0.1)


def test_references_are_transcripts_phones_and_labels() -> None:
    transcripts = {row["id"]: row["fields"]["transcript"] for row in rows("asr")}
    assert all(row["references"] == [transcripts[row["id"]]] for row in rows("asr"))
    assert all(re.fullmatch(r"[A-Z' ]+", text) for text in transcripts.values())
    for row in rows("pr"):
        assert row["references"] == [row["fields"]["phones"]]
        assert row["fields"]["transcript"] == transcripts[row["id"]]
        for phone in row["fields"]["phones"].split():
            assert phone in CONSONANTS or (phone[:-1] in VOWELS and phone[-1] in "012")
    assert all(row["labels"] == [row["group"]["gender"]] for row in rows("gr"))


def test_every_reader_is_credited_and_both_licences_travel_along() -> None:
    credit = (FOLDER / "ATTRIBUTION.md").read_text(encoding="utf-8")
    speakers = {row["cluster"][0] for row in rows("asr")}
    actors = {row["cluster"][0].removeprefix("emodb-") for row in rows("er")}
    assert set(re.findall(r"^\| (\d+) \|", credit, re.MULTILINE)) == speakers | actors
    assert len(speakers) == len(actors) == 10
    licence = (FOLDER / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Creative Commons Attribution 4.0" in licence
    assert "Carnegie Mellon University" in licence
    assert "CC0 1.0" in licence and "Apache License, Version 2.0" in licence
    assert "Picovoice Inc." in credit and "Burkhardt" in credit
    assert (FOLDER / "README.md").is_file()


def test_recordings_and_texts_equal_their_source(shared: Path) -> None:
    annotation = shared / "samples" / "annotations" / "librispeech_test_other.jsonl"
    source = {row["id"]: row for row in map(json.loads, annotation.read_text(encoding="utf-8").splitlines())}
    credit = (FOLDER / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert source.keys() == {row["id"] for row in rows("asr")}
    for row in rows("asr"):
        original = source[row["id"]]
        assert (row["sha256"], row["references"]) == (original["sha256"], [original["text"]])
        assert (
            f"| {original['speaker']} | {original['gender']} | {original['attribution'].split('reader: ')[1]} |"
            in credit
        )
    complete = {name for name, row in source.items() if not row["labels"]["phones_oov"]}
    assert {row["id"] for row in rows("pr")} == complete
    assert all(row["references"] == [source[row["id"]]["labels"]["phones_lexicon"]] for row in rows("pr"))


def test_emotions_and_orders_equal_their_source(shared: Path) -> None:
    folder = shared / "samples" / "annotations"
    emodb, orders = (
        {row["id"]: row for row in map(json.loads, (folder / name).read_text(encoding="utf-8").splitlines())}
        for name in ("emodb.jsonl", "barista_slots.jsonl")
    )
    whole = {k for k, row in emodb.items() if row["labels"]["complete_utterance"]}
    four = {k for k, row in emodb.items() if row["labels"]["emotion_salmonn_4class"]}
    assert {row["id"] for row in rows("er")} == whole & four
    for row in rows("er"):
        source = emodb[row["id"]]
        assert (row["sha256"], row["labels"]) == (source["sha256"], [source["labels"]["emotion_salmonn_4class"]])
        assert (row["fields"]["transcript"], row["group"]["gender"]) == (source["text"], source["gender"])
    for row in rows("sf"):
        source = orders[row["cluster"][0]]
        assert row["sha256"] == source["sha256"]
        assert sorted(row["fields"]["slots"].values()) == sorted(source["labels"]["slots"].values())
    assert {row["cluster"][0] for row in rows("sf")} == orders.keys()


def test_no_headline_needs_what_the_recordings_do_not_have(bundled_tasks: Catalogue) -> None:
    """Orders have no transcript: a rule that needs one would leave every run of them incomplete."""
    dataset = find_task(bundled_tasks, "sf").spec.datasets["mini-real"]
    assert dataset.following is not None and dataset.following.rule == "answer"
    assert [metric.name for metric in dataset.metrics or () if metric.headline] == ["slot_accuracy"]
    assert all("transcript" not in row["fields"] for row in rows("sf"))
