"""What of a corpus is there: found, partial, missing; counted and measured."""

from pathlib import Path

import pytest
import soundfile
from corpora_layouts import RECORDING, clip, definition, write

from salmonn_eval.bundled import bundled
from salmonn_eval.data.inventory import Stock, take_stock

TRIALS = "1 i/v/1.wav i/v/2.wav\n0 i/v/1.wav j/v/1.wav\n"


def stock(corpus: str, folder: Path, name: str) -> Stock:
    return take_stock(definition(name), Path(), {corpus: folder})


def test_an_embedded_set_is_found_whole_and_each_file_is_measured_once() -> None:
    found = take_stock(definition("sv:mini-real"), bundled("tasks"), {})
    assert (found.status, found.items, found.present, found.expected) == ("found", 119, 119, 119)
    asr = take_stock(definition("asr:mini-real"), bundled("tasks"), {})
    assert asr.seconds == pytest.approx(440.0, abs=0.1)
    assert 60 < found.seconds <= asr.seconds
    size = sum(path.stat().st_size for path in (bundled("tasks") / "mini-real/audio").glob("[0-9]*.flac"))
    assert asr.size == size


def test_a_corpus_without_some_of_its_files_is_partial(tmp_path: Path) -> None:
    write(tmp_path, {"veri_test.txt": TRIALS})
    for name in ("i/v/1.wav", "i/v/2.wav"):
        clip(tmp_path / "wav" / name)
    found = stock("voxceleb1", tmp_path, "sv:voxceleb1-o")
    assert (found.status, found.items, found.present, found.expected) == ("partial", 2, 1, 37_720)
    assert found.seconds == pytest.approx(2 * soundfile.info(RECORDING).duration, abs=1e-3)
    assert found.size == 2 * RECORDING.stat().st_size


def test_a_corpus_that_is_not_there_is_missing_with_the_reason(tmp_path: Path) -> None:
    found = stock("voxceleb1", tmp_path, "sv:voxceleb1-o")
    assert found.status == "missing" and "the list of trials veri_test.txt is not there" in (found.why or "")
    write(tmp_path, {"veri_test.txt": TRIALS})
    found = stock("voxceleb1", tmp_path, "sv:voxceleb1-o")
    assert found.status == "missing" and found.why == "not one audio file that it names is there"
    assert take_stock(definition("sv:voxceleb1-o"), Path(), {}).status == "missing"


def test_what_is_left_out_by_rule_makes_nothing_partial(tmp_path: Path) -> None:
    text = '{"audios": [{"aid": "A", "path": "a.flac", "segments": ['
    text += '{"sid": "A0", "begin_time": 0, "end_time": 1, "text_tn": "HI <PERIOD>", "subsets": ["{TEST}"]},'
    text += '{"sid": "A1", "begin_time": 1, "end_time": 1.5, "text_tn": "<NOISE>", "subsets": ["{TEST}"]}]}]}'
    write(tmp_path, {"GigaSpeech.json": text})
    clip(tmp_path / "a.flac")
    found = stock("gigaspeech", tmp_path, "asr:gigaspeech-test")
    assert (found.items, found.present, found.left_out, found.seconds) == (2, 1, 1, 1.0)
    assert found.remarks == ("1 items are not asked: the reference is tags only (no words)",)
    assert found.status == "partial"  # two segments are not the published 25,619
