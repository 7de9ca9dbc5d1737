"""Sample logs of lm-evaluation-harness and lmms-eval."""

import json
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.data.logs.read import read_log
from salmonn_eval.data.logs.samples import samples
from salmonn_eval.errors import UsageError

LM_EVAL = "org__audio-lm/samples_spoken_qa_2026-03-04T05-06-07.890123.jsonl"
LMMS_EVAL = "20260304_050607_samples_sound_presence.jsonl"


def lm_eval(folder: Path, **changes: Any) -> Path:
    row = {"doc_id": 0, "doc": {}, "target": "x", "arguments": [["prompt", {}]], "resps": [["y"]]}
    file = folder / "samples.jsonl"
    file.write_text(json.dumps(row | changes) + "\n")
    return file


def test_lm_eval_gives_the_models_own_words_once_per_document(logs: Path) -> None:
    reading = read_log(logs / LM_EVAL)
    pairs = list(samples(reading, "sqa"))
    assert reading.format == "lm-eval"
    assert [item.prediction for _, item in pairs] == ["The baker did.", "A cup fell from the shelf.", ""]
    assert [sample.id for sample, _ in pairs] == ["q-17", "q-18", "q-19"]
    assert pairs[1][0].references == ("a cup", "the cup")
    assert pairs[0][1].instruction == "Answer the question.\nWho opened the door?"
    assert pairs[0][1].fields["generation"]["max_gen_toks"] == 64


def test_lm_eval_results_beside_the_samples_tell_the_model(logs: Path, tmp_path: Path) -> None:
    about = read_log(logs / LM_EVAL).about
    assert (about["model"], about["task"], about["git"]) == ("org/audio-lm", "spoken_qa", "0badcafe")
    alone = tmp_path / Path(LM_EVAL).name
    alone.write_bytes((logs / LM_EVAL).read_bytes())
    assert "model" not in read_log(alone).about


def test_lmms_eval_prefers_the_unfiltered_answer(logs: Path) -> None:
    reading = read_log(logs / LMMS_EVAL)
    items = list(reading.items)
    assert reading.format == "lmms-eval"
    assert reading.about == {"tool": "lmms-eval", "task": "sound_presence", "date": "20260304_050607"}
    assert [item.prediction for item in items] == ["Yes", "No", "Well. I hear a bell, so yes.", "no"]
    assert [item.audio for item in items] == ["dog.wav", "dog.wav", "bell.wav", "bell2.wav"]


def test_lmms_eval_ids_tell_questions_apart_although_the_documents_share_a_hash(logs: Path) -> None:
    ids = [sample.id for sample, _ in samples(read_log(logs / LMMS_EVAL), "aqa")]
    assert len(set(ids)) == 4
    assert ids[3] == f"{ids[2]}-2"


def test_null_and_empty_answers_are_errors_of_the_item(tmp_path: Path) -> None:
    for answer in (None, [], [[]], [[None]]):
        (item,) = read_log(lm_eval(tmp_path, resps=answer)).items
        assert (item.prediction, item.error) == (None, "the log holds no prediction")


@pytest.mark.parametrize("target", ["[laughs]", "(a or b)", "[1, 2]", "[]"])
def test_target_that_only_looks_like_a_list_is_one_reference(tmp_path: Path, target: str) -> None:
    (item,) = read_log(lm_eval(tmp_path, target=target)).items
    assert item.references == (target,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resps": [[["-1.5", "False"]], [["-0.2", "True"]]]}, "holds log-likelihoods"),
        ({"resps": [[["-1.5", "False"]]]}, "holds log-likelihoods"),
        ({"resps": [["a", "b", "c"]]}, "holds 3 answers"),
        ({"target": 3}, "'target' is 3, expected a string"),
        ({"resps": [[2]]}, "the answer is 2, expected a text"),
    ],
)
def test_rows_without_one_text_answer_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"samples.jsonl:1: .*{message}"):
        list(read_log(lm_eval(tmp_path, **changes)).items)


def test_document_logged_twice_is_refused(tmp_path: Path) -> None:
    file = lm_eval(tmp_path)
    file.write_text(file.read_text() * 2)
    with pytest.raises(UsageError, match=r":2: document 0 appears twice"):
        list(read_log(file).items)
