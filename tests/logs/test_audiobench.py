"""AudioBench's result files: every layout, and the published one with its own total."""

import gzip
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

from salmonn_eval.data.logs.read import read_log
from salmonn_eval.data.logs.samples import samples
from salmonn_eval.errors import UsageError

PUBLISHED_WER = 0.10270871845172973


def test_published_outputs_give_the_published_word_error_rate(shared: Path) -> None:
    reading = read_log(shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz")
    pairs = list(samples(reading, "asr"))
    edits = sum(Levenshtein.distance((i.prediction or "").split(), s.references[0].split()) for s, i in pairs)
    assert reading.format == "audiobench"
    assert len(pairs) == len({sample.id for sample, _ in pairs}) == 2617
    assert edits / sum(len(s.references[0].split()) for s, _ in pairs) == PUBLISHED_WER
    assert all(s.fields == {"transcript": s.references[0]} for s, _ in pairs)


def test_published_layout_of_a_score_file_is_read(shared: Path) -> None:
    reading = read_log(shared / "reference" / "audiobench_score_file_layout.json")
    assert next(item.prediction for item in reading.items) == "the history of the house is plain now"
    assert float(reading.about["reported.wer"]) == PUBLISHED_WER
    assert reading.about["texts"].startswith("normalised by the tool")


def test_prediction_file_keeps_instruction_and_an_empty_answer(logs: Path) -> None:
    reading = read_log(logs / "audiobench_predictions.json")
    items = list(reading.items)
    assert [item.instruction for item in items][:2] == ["Please write down the speech.", "Turn this audio into text."]
    assert items[2].prediction == "" and items[2].error is None
    assert items[0].fields == {"task_type": "ASR"}
    assert reading.about == {"tool": "AudioBench"}


def test_ids_come_from_reference_and_occurrence_not_from_the_row(logs: Path, tmp_path: Path) -> None:
    ids = [sample.id for sample, _ in samples(read_log(logs / "audiobench_predictions.json"), "asr")]
    scored = [sample.id for sample, _ in samples(read_log(logs / "audiobench_wer_score.json"), "asr")]
    assert ids == scored
    assert ids[1] == f"{ids[0]}-2" and ids[2] != ids[0]


def test_judged_file_gives_question_and_answer_not_the_judge(logs: Path) -> None:
    items = list(read_log(logs / "audiobench_judge_score.json").items)
    assert [(item.instruction, item.references, item.prediction) for item in items] == [
        ("What is heard?", ("A dog barks.",), "A dog"),
        ("Who speaks?", ("A woman.",), "A man"),
    ]


def test_compact_and_gzipped_documents_are_recognised_too(tmp_path: Path) -> None:
    compact = b'{"wer":0.5,"sample_wer":[{"reference":"a b","prediction":"a","wer":0.5}]}'
    (tmp_path / "score.json.gz").write_bytes(gzip.compress(compact))
    assert [item.prediction for item in read_log(tmp_path / "score.json.gz").items] == ["a"]


def test_row_without_prediction_is_an_error_of_that_item_alone(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(
        '{"reference": "a", "prediction": "a"}\n{"reference": "b"}\n{"reference": "c", "prediction": null}\n'
    )
    items = list(read_log(file).items)
    assert [item.prediction for item in items] == ["a", None, None]
    assert [item.error for item in items] == [None, *["the log holds no prediction"] * 2]


def test_score_file_with_totals_only_is_refused_with_advice(tmp_path: Path) -> None:
    file = tmp_path / "audiocaps_meteor_score.json"
    file.write_text('{\n    "meteor": 0.208\n}')
    with pytest.raises(UsageError, match=r"audiocaps_meteor_score\.json: holds no list of samples.*prediction file"):
        read_log(file)
