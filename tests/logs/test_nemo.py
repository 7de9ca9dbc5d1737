"""NeMo-style manifests with predictions."""

import json
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.data.logs.read import read_log
from salmonn_eval.data.logs.samples import samples
from salmonn_eval.errors import UsageError


def manifest(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "manifest.jsonl"
    file.write_text("".join(json.dumps({"text": "a b", "pred_text": "a"} | row) + "\n" for row in rows))
    return file


def ids(file: Path) -> list[str]:
    return [sample.id for sample, _ in samples(read_log(file), "asr")]


def test_leaderboard_manifest_is_read_with_what_its_name_tells(logs: Path) -> None:
    reading = read_log(logs / "MODEL_openai-whisper-tiny_DATASET_home-speech_clean_test.jsonl")
    pairs = list(samples(reading, "asr"))
    assert reading.format == "nemo"
    assert reading.about == {
        "tool": "NeMo manifest",
        "model": "openai-whisper-tiny",
        "dataset": "home-speech_clean_test",
    }
    assert [sample.id for sample, _ in pairs] == ["utt-001", "utt-002", "utt-003", "utt-004"]
    assert [item.duration_s for _, item in pairs] == [2.5, 3.25, 1.0, 1.5]
    assert pairs[0][1].fields == {"time": 0.2}


def test_empty_prediction_is_an_answer_and_null_is_an_error(logs: Path) -> None:
    items = list(read_log(logs / "MODEL_openai-whisper-tiny_DATASET_home-speech_clean_test.jsonl").items)
    assert (items[2].prediction, items[2].error) == ("", None)
    assert (items[3].prediction, items[3].error) == (None, "the log holds no prediction")


def test_ids_do_not_depend_on_the_machine_unless_file_names_repeat(tmp_path: Path) -> None:
    assert ids(manifest(tmp_path, {"audio_filepath": "/x/a/1.wav"}, {"audio_filepath": "/x/a/2.wav"})) == ["1", "2"]
    assert ids(manifest(tmp_path, {"audio_filepath": "C:\\x\\utt1"})) == ["utt1"]
    repeated = manifest(tmp_path, {"audio_filepath": "/x/a/1.wav"}, {"audio_filepath": "/x/b/1.wav"})
    assert ids(repeated) == ["/x/a/1.wav", "/x/b/1.wav"]


def test_segments_of_one_file_are_told_apart_by_offset(tmp_path: Path) -> None:
    rows = [{"audio_filepath": "talk.wav", "offset": offset} for offset in (0.0, 12.5)]
    assert ids(manifest(tmp_path, *rows)) == ["talk@0", "talk@12.5"]


def test_row_numbers_in_place_of_file_names_are_no_ids(tmp_path: Path) -> None:
    file = manifest(tmp_path, {"audio_filepath": "sample_0"}, {"audio_filepath": "sample_1", "text": "c"})
    swapped = manifest(tmp_path, {"audio_filepath": "sample_0", "text": "c"}, {"audio_filepath": "sample_1"})
    assert all("sample" not in name for name in ids(file))
    assert sorted(ids(file)) == sorted(ids(swapped))
    assert next(iter(read_log(file).items)).audio is None


def test_named_speaker_is_the_cluster_and_an_unnamed_one_is_not_guessed(tmp_path: Path) -> None:
    file = manifest(tmp_path, {"audio_filepath": "61-1-0.wav", "speaker": 61}, {"audio_filepath": "62-1-0.wav"})
    assert [sample.cluster for sample, _ in samples(read_log(file), "asr")] == [("61",), ()]


def test_phone_references_are_phones_and_not_a_transcript(tmp_path: Path) -> None:
    (sample, _), *_ = samples(read_log(manifest(tmp_path, {"text": "HH AH0"})), "pr")
    assert sample.fields == {"phones": "HH AH0"}


def test_duplicated_id_is_refused(tmp_path: Path) -> None:
    file = manifest(tmp_path, {"audio_filepath": "a.wav"}, {"audio_filepath": "a.wav"})
    with pytest.raises(UsageError, match=r"item 2: id 'a\.wav' appears twice"):
        ids(file)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"parent_id": "talk", "chunk_index": 0}, r":1: a chunk of a longer recording"),
        ({"duration": "long"}, r":1: 'duration' is 'long', expected seconds"),
        ({"text": ["a", "b"]}, r':1: \'text\' is \["a", "b"\], expected a string'),
        ({"pred_text": 7}, r":1: 'pred_text' is 7, expected a string"),
    ],
)
def test_rows_that_cannot_be_taken_at_their_word_are_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(read_log(manifest(tmp_path, row)).items)
