"""The Python API on the embedded real recordings, with models that are plain functions."""

import json
import subprocess
import sys

import pytest

import salmonn_eval
from salmonn_eval.bundled import bundled
from salmonn_eval.errors import UsageError

TASK = """\
id: length
level: 1
title: Length of a clip
instruction: "How long is it?"
language: en
labels: {short: [short], long: [long]}
generation: {max_new_tokens: 5}
metrics: [{name: accuracy, headline: true}]
following: {rule: one_label}
item_score: hit
datasets:
  two:
    suite: mini-real
    source: manifest
    path: two.jsonl
    items: one per clip
    cluster: item
    licence: CC BY 4.0
    get: embedded
version: 1
"""


def says_length(instruction, clips):
    return "long" if clips[0].seconds > 3 else "short"


def test_a_function_is_scored_as_a_model(tmp_path):
    heard = []

    def respond(instruction, clips):
        heard.append((instruction, len(clips), clips[0].samples.dtype.name))
        return "the cat"

    model = salmonn_eval.wrap("cat", respond, version="1")
    found = salmonn_eval.evaluate(model, "asr", suite="mini-real", limit=4, out=tmp_path, canary=False)
    assert found.warning is None
    assert heard == [("Recognize the speech and give me the transcription.", 1, "float32")] * 4
    assert {value.model for value in found.results} == {"cat"}
    assert found.incomplete == ()
    answers = list(found.answers())
    assert [answer.prediction.text for answer in answers] == ["the cat"] * 4
    assert all(answer.sample.references for answer in answers)
    whole = [value for value in found.results if value.metric == "cer" and value.reading == "all" and not value.group]
    assert found.value("asr", "cer") == whole[0].value > 50
    assert whole[0].n_planned == whole[0].n_scored == 4
    frame = found.frame()
    assert set(frame["task"]) == {"asr"}
    assert "| asr" in found.table()


def test_more_than_one_value_is_not_one(tmp_path):
    model = salmonn_eval.wrap("cat", lambda instruction, clips: "the cat", version="1")
    found = salmonn_eval.evaluate(model, "asr", suite="mini-real", limit=1, out=tmp_path)
    with pytest.raises(KeyError, match="expected one value"):
        found.value("asr", "wer")  # two normalisers
    with pytest.raises(KeyError, match="there are: none"):
        found.value("asr", "bleu")


def test_what_fails_is_an_error_of_its_sample_and_asked_again(tmp_path):
    broken = True

    def respond(instruction, clips):
        if broken and clips[0].seconds < 6:
            raise RuntimeError("too short for me")
        return "so silly"

    model = salmonn_eval.wrap("fussy", respond, version="1")
    asked = {"suite": "mini-real", "limit": 6, "run_dir": tmp_path / "run"}
    first = salmonn_eval.evaluate(model, "asr", **asked)
    failed = [answer for answer in first.answers() if answer.prediction.error]
    assert 0 < len(failed) < 6
    assert "too short for me" in failed[0].prediction.error
    assert any("error" in sentence or "fail" in sentence for sentence in first.incomplete)
    broken = False
    again = []
    second = salmonn_eval.evaluate(model, "asr", **asked, on_answer=lambda request, answer: again.append(request))
    assert {request.sample_id for request in again} == {answer.sample.id for answer in failed}
    assert len(again) == len(failed)
    assert second.incomplete == ()


def test_an_answer_that_is_no_text_is_refused(tmp_path):
    model = salmonn_eval.wrap("none", lambda instruction, clips: None, version="1")
    found = salmonn_eval.evaluate(model, "asr", suite="mini-real", limit=2, out=tmp_path)
    (first, _) = found.answers()
    assert "answered NoneType; expected a text" in first.prediction.error


def test_a_task_of_ones_own(tmp_path):
    audio = bundled("tasks") / "mini-real" / "audio"
    clips = sorted(audio.glob("*.flac"))[:2]
    rows = [f'{{"id": "{clip.stem}", "audio": "{clip}", "labels": ["short"]}}' for clip in clips]
    (tmp_path / "length.yaml").write_text(TASK)
    (tmp_path / "two.jsonl").write_text("\n".join(rows) + "\n")
    model = salmonn_eval.wrap("ruler", says_length, version="1")
    found = salmonn_eval.evaluate(model, "length", suite="mini-real", task_paths=[tmp_path], out=tmp_path / "runs")
    short = sum(answer.prediction.text == "short" for answer in found.answers())
    assert found.value("length", "accuracy") == pytest.approx(short / 2)


def test_an_annotation_of_the_release_is_asked(tmp_path):
    clip = min((bundled("tasks") / "mini-real" / "audio").glob("*.flac"))
    entries = [
        {"path": f"/far/away/{clip.name}", "text": "The cat.", "task": "asr"},
        {"path": f"/far/away/{clip.name}", "text": "the cat", "task": "QA", "Q": "Who?"},
    ]
    (tmp_path / "test.json").write_text(json.dumps({"annotation": entries}))
    model = salmonn_eval.wrap("cat", lambda instruction, clips: "the cat", version="1")
    asked = {"annotation": tmp_path / "test.json", "data": {"audio": clip.parent}, "out": tmp_path}
    with pytest.raises(UsageError, match="expected --task with one of them"):
        salmonn_eval.evaluate(model, ["asr"], **asked)
    found = salmonn_eval.evaluate(model, ["asr", "sqa"], **asked, annotation_task="sqa")
    assert found.value("asr", "cer", dataset="test") == 0
    assert [answer.request.task for answer in found.answers()] == ["asr", "sqa"]
    with pytest.raises(UsageError, match="--task sqa goes with --annotation"):
        salmonn_eval.evaluate(model, ["asr"], annotation_task="sqa", out=tmp_path)


def test_a_script_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import salmonn_eval\n"
        "model = salmonn_eval.wrap('cat', lambda instruction, clips: 'the cat', version='1')\n"
        "print('begun')\n"
        "run = salmonn_eval.evaluate(model, ['asr'], suite='mini-real', limit=2)\n"
        "print(run.value('asr', 'cer'))\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1
    assert float(done.stdout.split()[-1]) > 50


def test_unknown_names_are_told(tmp_path):
    with pytest.raises(UsageError, match="did you mean"):
        salmonn_eval.evaluate("pocketsphynx", "asr", out=tmp_path)
    with pytest.raises(UsageError, match="name and version"):
        salmonn_eval.wrap("cat", says_length, version="")
    with pytest.raises(AttributeError, match="evaluat"):
        salmonn_eval.evaluat  # noqa: B018


def test_the_package_is_imported_without_torch():
    code = "import sys, salmonn_eval; salmonn_eval.evaluate; assert not {'torch', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
