"""Damaged text files: one sentence with file, line, what was found and what was expected."""

from pathlib import Path

import pytest
from corpora_layouts import opened, write

from salmonn_eval.data.corpora.text import CSV, TSV, table
from salmonn_eval.errors import UsageError

HEAD = "audiocap_id,youtube_id,start_time,caption\n"
ROW = "1,aaa,0,A dog barks\n"


def ids(folder: Path, content: bytes) -> list[str]:
    write(folder, {"test.csv": content})
    return [item.sample.id for item in opened("aac:audiocaps-test", audiocaps=folder).items()]


def test_a_byte_order_mark_and_windows_line_ends_are_read_as_meant(tmp_path: Path) -> None:
    write(tmp_path, {"test.csv": b"\xef\xbb\xbf" + (HEAD + ROW).replace("\n", "\r\n").encode()})
    (item,) = opened("aac:audiocaps-test", audiocaps=tmp_path).items()
    assert item.sample.references == ("A dog barks",) and item.line == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"test\.csv: is empty; expected AudioCaps' captions with a header: audiocap_id, youtube_id"),
        (
            b"audiocap_id,youtube_id,start\n1,a,0\n",
            r"test\.csv:1: no column 'start_time', 'caption' \(found 'audiocap_id, youtube_id, start'\); expected the",
        ),
        (
            (HEAD + ROW + "2,bbb,0\n").encode(),
            r"test\.csv:3: 3 cells \(the first is '2'\); expected 4 as in the header",
        ),
        ((HEAD + ROW + "2,bbb,0,\n").encode(), r"test\.csv:3: 'caption' is empty; expected a text there"),
        ((HEAD + ROW + '2,bbb,0,"A dog\n').encode(), r"test\.csv:3: unexpected end of data; expected a row"),
        ((HEAD + ROW + "2,bbb,0,Caf\xe9\n").encode("latin-1"), r"test\.csv:3: not UTF-8 \(byte 0xe9 at column 12\)"),
        ((HEAD + ROW).encode("utf-16"), r"test\.csv:1: UTF-16 text; expected AudioCaps' captions in UTF-8"),
        (
            (HEAD + "1,a\0a,0,x\n").encode(),
            r"test\.csv:2: holds a zero byte; expected AudioCaps' captions, a text file",
        ),
    ],
)
def test_each_fault_is_one_sentence_with_its_place(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told) as fault:
        ids(tmp_path, content)
    assert "\n" not in str(fault.value)


def test_a_repeated_id_names_both_lines(tmp_path: Path) -> None:
    head = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
    write(tmp_path, {"clotho_captions_evaluation.csv": head + "a.wav,1,2,3,4,5\nb.wav,1,2,3,4,5\na.wav,1,2,3,4,5\n"})
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError, match=r"csv:4: id 'a' stands already in .*csv:2; expected a different id"):
        list(opened("aac:clotho-evaluation", clotho=tmp_path).samples())


def test_quotes_are_plain_characters_where_the_corpus_does_not_quote(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text('a\tb\n"one\tit\'s 5" wide\n')
    assert list(table(path, ("a", "b"), TSV, "a table")) == [(2, {"a": '"one', "b": "it's 5\" wide"})]
    path.write_text('a,b\n"x\n\ny",2\n\nz,3\n')
    assert [number for number, _ in table(path, ("a", "b"), CSV, "a table")] == [2, 6]


def test_a_folder_in_place_of_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "test.csv").mkdir()
    with pytest.raises(UsageError, match=r"test\.csv: cannot be read \(Is a directory\)"):
        list(opened("aac:audiocaps-test", audiocaps=tmp_path).items())
