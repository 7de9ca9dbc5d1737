"""Answers on disk: safe against a kill at any byte; the last success wins."""

import errno
import random
from pathlib import Path

import pytest

from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Shard
from salmonn_eval.engine.store import AnswerIndex, PredictionWriter, drop_partial_line, writing
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.records import Prediction

NAME = "asr.mini-real"
TEXTS = ("SHE PUT THE KETTLE ON", "", "眼鏡 — „ja“", "a\nb\r\u2028c", "x" * 70_000)


def answered(key: str, text: str = "text") -> Prediction:
    return Prediction(key, text, "eos")


def error(key: str) -> Prediction:
    return Prediction(key, None, "error", error="it failed")


def write(run: RunDirectory, *predictions: Prediction, shard: Shard | None = None) -> Path:
    writer = PredictionWriter(run, shard)
    for prediction in predictions:
        writer.append(NAME, prediction)
    writer.close()
    return run.predictions(NAME, shard)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


def index(run: RunDirectory) -> AnswerIndex:
    return AnswerIndex(run.prediction_files(NAME))


def test_every_text_comes_back_as_it_was_given(run: RunDirectory) -> None:
    given = [answered(f"k{number}", text) for number, text in enumerate(TEXTS)]
    write(run, *given)
    found = index(run)
    for prediction in random.Random(3).sample(given * 2, k=2 * len(given)):
        assert found.get(prediction.key) == prediction
    assert found.get("unknown") is None
    assert len(found) == len(TEXTS)


def test_a_file_cut_at_any_byte_loses_only_the_last_line_and_takes_it_again(run: RunDirectory) -> None:
    predictions = [answered("a", "first"), error("b"), answered("c", "ü last")]
    path = write(run, *predictions)
    whole = path.read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert set(index(run).successes()) == {p.key for p in predictions[:kept] if p.error is None}
        write(run, *predictions[kept:])
        assert path.read_bytes() == whole


def test_a_long_partial_line_is_cut_across_read_blocks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for whole in (b"", b"one\n", b"y" * 65_535 + b"\n"):
        for rest in (1, 65_535, 65_536, 200_000):
            path.write_bytes(whole + b"z" * rest)
            drop_partial_line(path)
            assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("attempts", "counts", "failed"),
    [
        ([error("k"), answered("k", "late")], "late", 0),
        ([answered("k", "early"), error("k")], "early", 0),
        ([answered("k", "one"), answered("k", "two")], "two", 0),
        ([error("k"), error("k")], None, 1),
    ],
)
def test_the_last_success_counts(
    run: RunDirectory, attempts: list[Prediction], counts: str | None, failed: int
) -> None:
    write(run, *attempts)
    found = index(run)
    assert len(found.failed) == failed
    assert list(found.successes()) == ([] if failed else ["k"])
    assert found.attempted("k")
    prediction = found.get("k")
    assert prediction is not None and prediction.text == counts


def test_a_success_in_one_shard_outweighs_an_error_in_another(run: RunDirectory) -> None:
    write(run, answered("k", "heard"), shard=Shard(1, 2))
    write(run, error("k"), shard=Shard(2, 2))
    prediction = index(run).get("k")
    assert prediction is not None and prediction.text == "heard"


def test_a_line_changed_by_hand_is_told_with_file_and_byte(run: RunDirectory) -> None:
    path = write(run, answered("a"), answered("b"))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"oops\n" + second)
    with pytest.raises(UsageError, match=f"{path}: byte {len(first)} is not a prediction"):
        index(run)


def test_names_with_wildcard_letters_find_their_own_shards_only(run: RunDirectory) -> None:
    folder = run.path / "predictions"
    folder.mkdir(parents=True)
    for name in ("asr.a*", "asr.ab"):
        (folder / f"{name}.shard-1-of-2.jsonl").touch()
    assert [file.name for file in run.prediction_files("asr.a*")] == ["asr.a*.shard-1-of-2.jsonl"]


def test_a_full_disk_is_incomplete_and_says_what_to_do(run: RunDirectory) -> None:
    (run.path / "predictions").mkdir(parents=True)
    run.predictions(NAME).symlink_to("/dev/full")
    writer = PredictionWriter(run, None)
    with pytest.raises(IncompleteError, match=r"No space left on device.*repeat the command"):
        for _ in range(3):
            writer.append(NAME, answered("k"))
            writer.flush()


def test_only_a_disk_that_takes_no_more_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="No space left"), writing(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ConnectionError), writing(tmp_path):
        raise ConnectionError(errno.ECONNRESET, "reset")
