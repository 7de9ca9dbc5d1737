"""Corpora from the command line: what a dry run says of them, and what a run of one leaves in its signatures."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECORDING = Path(__file__).resolve().parents[1] / "data/audio/367-130732-0006.flac"
TEXT = "LOBSTER A LA NEWBERG"


def written(root: Path, files: dict[str, str], *clips: str) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name in clips:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RECORDING, root / name)
    return root


def covost(pair: str, text: str) -> dict[str, str]:
    return {f"covost_v2.{pair}.test.tsv": f"path\tsentence\ttranslation\tclient_id\nc_1.mp3\tHi.\t{text}\tspk\n"}


SEGMENT = {"begin_time": 0.0, "end_time": 1.5, "subsets": ["{TEST}"]}
GIGA = {
    "audios": [
        {
            "aid": "A",
            "path": "audio/A.flac",
            "segments": [
                {"sid": "A_0", "text_tn": f"{TEXT} <PERIOD>", **SEGMENT},
                {"sid": "A_1", "text_tn": "<SIL>", **SEGMENT},
            ],
        }
    ]
}
MIX = (
    "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain\nA_B,{0}/1-2-0000.flac,1,{0}/1-2-0001.flac,1\n"
)
SLURP = {
    "slurp_id": 1,
    "sentence": "call mona",
    "tokens": [{"surface": "call"}, {"surface": "mona"}],
    "recordings": [{"file": "audio-1.flac"}],
    "entities": [{"span": [1], "type": "person"}],
}
LIBRI = {"test-clean/1/2/1-2.trans.txt": f"1-2-0000 {TEXT}\n1-2-0001 {TEXT}\n"}
LIBRI_CLIPS = ("test-clean/1/2/1-2-0000.flac", "test-clean/1/2/1-2-0001.flac")
VOICE = {"voice.json": '{"engine": "e", "voice": "v"}'}
LINE = '{"id": "1", "audio": "a.flac", "fields": {"transcript": "hi"}, "references": ["x"]}\n'
CORPORA: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "aac:audiocaps-test": (
        "audiocaps",
        {"test.csv": "audiocap_id,youtube_id,start_time,caption\n1,a,0,A dog barks\n"},
        ("a.wav",),
    ),
    "story:audiocaps-test": (
        "audiocaps",
        {"test.csv": "audiocap_id,youtube_id,start_time,caption\n1,a,0,A dog barks\n"},
        ("a.wav",),
    ),
    "aac:clotho-evaluation": (
        "clotho",
        {
            "clotho_captions_evaluation.csv": "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
            "a.wav,A,B,C,D,E\n"
        },
        ("a.wav",),
    ),
    "mc:musiccaps-eval": (
        "musiccaps",
        {"musiccaps-public.csv": "ytid,start_s,end_s,caption,is_audioset_eval\na,0,10,A song,True\n"},
        ("a.wav",),
    ),
    "en2zh:covost2-en-zh": ("covost2", covost("en_zh-CN", "你好"), ("clips/c_1.mp3",)),
    "en2de:covost2-en-de": ("covost2", covost("en_de", "Hallo"), ("clips/c_1.mp3",)),
    "en2ja:covost2-en-ja": ("covost2", covost("en_ja", "こんにちは"), ("clips/c_1.mp3",)),
    "asr:gigaspeech-test": ("gigaspeech", {"GigaSpeech.json": json.dumps(GIGA)}, ("audio/A.flac",)),
    "asr:librispeech-test-clean": ("librispeech", LIBRI, LIBRI_CLIPS),
    "pr:librispeech-test-clean": (
        "librispeech",
        {**LIBRI, "cmudict.dict": "lobster L AA1 B S T ER0\na AH0\nla L AA1\nnewberg N UW1 B ER0 G\n"},
        LIBRI_CLIPS,
    ),
    "er:iemocap-session5": (
        "iemocap",
        {
            "Session5/dialog/EmoEvaluation/S_i.txt": "[0.0 - 1.0]\tS_i_F000\tneu\t[2.5, 2.5, 2.5]\n",
            "Session5/dialog/transcriptions/S_i.txt": "S_i_F000 [000.0-001.0]: Hi.\n",
        },
        ("Session5/sentences/wav/S_i/S_i_F000.wav",),
    ),
    "osr:libri2mix-test": (
        "librimix",
        {
            "libri2mix_test-clean.csv": MIX.format("test-clean/1/2"),
            **{f"LibriSpeech/{name}": text for name, text in LIBRI.items()},
        },
        tuple(f"LibriSpeech/{name}" for name in LIBRI_CLIPS),
    ),
    "sv:voxceleb1-o": ("voxceleb1", {"veri_test.txt": "1 i/v/1.wav i/v/2.wav\n"}, ("wav/i/v/1.wav", "wav/i/v/2.wav")),
    "sv:voxceleb1-o-cleaned": (
        "voxceleb1",
        {"veri_test2.txt": "1 i/v/1.wav i/v/2.wav\n"},
        ("wav/i/v/1.wav", "wav/i/v/2.wav"),
    ),
    "sf:slurp-test": ("slurp", {"test.jsonl": json.dumps(SLURP) + "\n"}, ("audio/slurp_real/audio-1.flac",)),
    "ke:inspec-test": ("inspec", {"inspec-test.jsonl": LINE, **VOICE}, ("a.flac",)),
    "sqqa:wikiqa-test": ("wikiqa", {"wikiqa-test.jsonl": LINE, **VOICE}, ("a.flac",)),
}
NANO = ("--model", "salmonn-nano", "--allow-missing-metrics")


@pytest.mark.parametrize("name", CORPORA)
def test_a_dry_run_counts_each_test_set_of_the_paper(typed: Callable[..., Any], tmp_path: Path, name: str) -> None:
    corpus, files, clips = CORPORA[name]
    root = written(tmp_path / "corpus", files, *clips)
    done = typed("run", "--suite", "paper", "--tasks", name, "--data", f"{corpus}={root}", "--dry-run", "--json", *NANO)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    (plan,) = told["plans"]
    assert plan["n_planned"] >= 1 and plan["audio_s"] > 1
    assert told["not_asked"] == []
    assert any("expected" in remark or "utterances" in remark for remark in told["remarks"])


def test_every_test_set_of_the_paper_that_can_be_had_is_tried_above() -> None:
    from salmonn_eval.tasks.discover import discover

    sets = {
        f"{task.spec.id}:{name}"
        for task in discover().tasks
        for name, dataset in task.spec.datasets.items()
        if dataset.suite == "paper" and dataset.corpus
    }
    assert sets - {"asr:librispeech-test-other"} == set(CORPORA)


def test_what_was_settled_in_making_the_data_stands_in_every_signature(
    typed: Callable[..., Any], tmp_path: Path
) -> None:
    corpus, files, clips = CORPORA["asr:gigaspeech-test"]
    root = written(tmp_path / "corpus", files, *clips)
    done = typed(
        "run",
        "--suite",
        "paper",
        "--tasks",
        "asr:gigaspeech-test",
        "--data",
        f"{corpus}={root}",
        "--out",
        "runs",
        "--json",
    )
    assert done.code == 0, done.err
    results = json.loads(done.out)["results"]
    assert results and all("|tags:off,tags-only-left-out|" in value["signature"] for value in results)
    assert {value["n_planned"] for value in results} == {1}
    assert "note: asr.gigaspeech-test: 2 items; 25,619 expected" in done.err
    assert "note: asr.gigaspeech-test: 1 items are not asked: the reference is tags only" in done.err
    run = json.loads(done.out)["run"]
    assert "a part of the test sets: asr.gigaspeech-test 1 of 2 (1 absent or left out)" in (
        tmp_path / run / "table.md"
    ).read_text(encoding="utf-8")


def test_an_annotation_of_the_release_is_asked_as_it_is(typed: Callable[..., Any], tmp_path: Path) -> None:
    clip = "/data/far/away/367-130732-0006.flac"
    entries = [
        {"path": clip, "text": TEXT, "task": "asr"},
        {"path": clip, "text": "Yes", "task": "speaker_verification", "expand_wav": [clip]},
        {"path": clip, "text": "Newberg", "task": "QA", "Q": "Who?"},
    ]
    (tmp_path / "test.json").write_text(json.dumps({"annotation": entries}))
    words = ["run", "--annotation", "test.json", "--data", f"audio={RECORDING.parent}", "--dry-run", "--json", *NANO]
    done = typed(*words, "--tasks", "all,extra", "--task", "sqa")
    assert done.code == 0, done.err
    assert {plan["name"]: plan["n_planned"] for plan in json.loads(done.out)["plans"]} == {
        "asr.test": 1,
        "sv.test": 1,
        "sqa.test": 1,
    }
    refused = typed(*words, "--tasks", "asr")
    assert refused.code == 2 and "expected --task with one of them" in refused.err
    assert typed("run", "--task", "sqa", "--dry-run").code == 2


def test_prepare_speaks_and_a_run_finds_what_was_said(typed: Callable[..., Any], tmp_path: Path) -> None:
    head = "QuestionID\tQuestion\tSentence\tLabel\n"
    written(tmp_path / "text", {"WikiQA-test.tsv": head + "Q1\tWhat?\tThis.\t1\n"})
    copy = tmp_path / "copy"
    copy.write_text(f'#!/bin/sh\ncp "{RECORDING}" "$1"\n')
    copy.chmod(0o755)
    data = ("--data", f"wikiqa={tmp_path / 'text'}", "--out", "spoken")
    done = typed("prepare", "wikiqa", "--tts", f"{copy} {{out}}", "--voice", "ann", *data)
    assert done.code == 0 and "1 texts spoken, 0 kept" in done.out
    assert typed("prepare", "wikiqa", "--tts", f"{copy} {{out}}", *data).code == 2
    assert typed("prepare", "librispeech", *data).code == 2
    asked = ("--suite", "paper", "--tasks", "sqqa", "--data", "wikiqa=spoken", "--dry-run", "--json", *NANO)
    assert json.loads(typed("run", *asked).out)["plans"][0]["n_planned"] == 1


def test_doctor_tells_found_partial_and_open_sets_apart(typed: Callable[..., Any], tmp_path: Path) -> None:
    corpus, files, clips = CORPORA["sv:voxceleb1-o"]
    root = written(tmp_path / "corpus", files, *clips)
    done = typed("doctor", "--data", f"{corpus}={root}", "--json")
    told = {check["what"]: check for check in json.loads(done.out)}
    assert told["asr:mini-real"]["state"] == "ok" and told["asr:mini-real"]["found"].startswith("78 of 78 items")
    partial = told["sv:voxceleb1-o"]
    assert partial["state"] == "partial" and partial["ok"]
    assert "1 of 1 items" in partial["found"] and "37,720 items expected" in partial["found"]
    assert told["sv:voxceleb1-o-cleaned"]["state"] == "missing"
    still_open = told["er:iemocap-session5"]
    assert still_open["state"] == "open" and "licence: IEMOCAP licence" in still_open["found"]
    assert done.code == 4


def test_validate_tells_what_a_corpus_lacks(typed: Callable[..., Any], tmp_path: Path) -> None:
    corpus, files, clips = CORPORA["asr:gigaspeech-test"]
    root = written(tmp_path / "corpus", files, *clips)
    done = typed("validate", "--data", f"{corpus}={root}", "--json")
    told = {finding["message"]: finding["level"] for finding in json.loads(done.out)["findings"]}
    assert told["asr:gigaspeech-test: 1 items are not asked: the reference is tags only (no words)"] == "note"
    assert told["asr:gigaspeech-test: gigaspeech holds 2 samples; n_expected is 25619"] == "error"
    (root / "GigaSpeech.json").write_text("{}")
    broken = json.loads(typed("validate", "--data", f"{corpus}={root}", "--json").out)["findings"]
    assert any("holds no list 'audios'" in finding["message"] for finding in broken if finding["level"] == "error")
