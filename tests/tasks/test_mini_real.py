"""The embedded recordings: whole, unchanged, and credited."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from salmonn_eval.bundled import bundled
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


def test_recordings_are_bit_identical_and_as_long_as_stated() -> None:
    listed = {row["audio"]: row for name in ("asr", "pr", "gr") for row in rows(name)}
    assert {f"audio/{file.name}" for file in (FOLDER / "audio").iterdir()} == set(listed)
    for name, row in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == row["sha256"]
        info = soundfile.info(FOLDER / name)
        assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")
        assert info.duration == pytest.approx(row["duration_s"], abs=1e-4)
    assert sum(row["duration_s"] for row in listed.values()) == pytest.approx(440.0, abs=0.1)


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
    assert set(re.findall(r"^\| (\d+) \|", credit, re.MULTILINE)) == speakers
    assert len(speakers) == 10
    licence = (FOLDER / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Creative Commons Attribution 4.0" in licence
    assert "Carnegie Mellon University" in licence
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
