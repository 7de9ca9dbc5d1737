"""Recognising a log, and files that are broken or of nobody's format."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from salmonn_eval.data.logs.read import FORMATS, read_log
from salmonn_eval.errors import UsageError

ROW = b'{"audio_filepath": "a.wav", "duration": 1, "text": "a", "pred_text": "b"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no rows"),
        (b"\n\n", "holds no rows"),
        (b"[]", "holds no rows"),
        (b'{"a": 1}\n', r"fits no known format \(keys: a\).*audiobench.*nemo.*lm-eval.*lmms-eval"),
        (b"not json\n", "log:1: not valid UTF-8 JSON"),
        (b'{\n"a": \n', "log: not valid UTF-8 JSON"),
        (b"7\n", "log:1: a JSON int, expected one JSON object per line"),
        (
            ROW.replace(b'"pred_text"', b'"prediction": "x", "pred_text"').replace(b'"text"', b'"answer": "", "text"'),
            "fits audiobench and nemo",
        ),
    ],
)
def test_what_cannot_be_recognised_is_refused_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "log"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_log(file)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (b'{"text": "\xff"}\n', "log:2: not valid UTF-8 JSON"),
        (b'{"text": "\\ud800", "pred_text": ""}\n', "log:2: not valid UTF-8 JSON"),
        (b'{"text": "a", "pred_', "log:2: not valid UTF-8 JSON"),
        (b"[1]\n", "log:2: a JSON list, expected one JSON object"),
        (b'{"pred_text": "a"}\n', r"log:2: key 'text' is missing \(found pred_text\)"),
    ],
)
def test_broken_row_is_named_with_its_line(tmp_path: Path, second: bytes, message: str) -> None:
    file = tmp_path / "log"
    file.write_bytes(ROW + second)
    with pytest.raises(UsageError, match=message):
        list(read_log(file).items)


def test_named_format_is_taken_and_an_unknown_one_lists_the_known(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(ROW)
    assert read_log(file, "nemo").format == "nemo"
    with pytest.raises(UsageError, match="'nemmo' is not known; choose one of " + ", ".join(FORMATS)):
        read_log(file, "nemmo")


def test_missing_and_corrupt_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.jsonl: cannot be read \(No such file or directory\)"):
        read_log(tmp_path / "absent.jsonl")
    for data in (gzip.compress(ROW * 1000)[:-20], b"no gzip", gzip.compress(ROW)[:12] + b"\x00" * 40):
        (tmp_path / "cut.jsonl.gz").write_bytes(data)
        with pytest.raises(UsageError, match=r"cut\.jsonl\.gz: cannot be read"):
            list(read_log(tmp_path / "cut.jsonl.gz").items)


def test_nan_of_python_writers_is_understood_as_null(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(ROW.replace(b"1,", b"NaN,"))
    (item,) = read_log(file).items
    assert item.duration_s is None and item.prediction == "b"


def test_long_log_streams_in_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    with file.open("wb") as out:
        for number in range(10_000):
            out.write(
                b'{"audio_filepath": "sample_%d", "text": "%d", "pred_text": "%s"}\n' % (number, number, b"x" * 500)
            )
    tracemalloc.start()
    count = sum(1 for _ in read_log(file, "nemo").items)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10_000
    assert peak < 500_000 < file.stat().st_size
