"""Phones for LibriSpeech: from dictionaries and from alignments, with the origin in the protocol."""

import json
import shutil
from pathlib import Path

import pytest
from corpora_layouts import definition
from test_librispeech import TEXTS, lay_out

from salmonn_eval.data.annotated import SampleSource
from salmonn_eval.data.corpora.phones import read_lexicon
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, UsageError

CMU = """\
;;; a comment
a AH0
a(2) EY1
but B AH1 T
behold B IH0 HH OW1 L D # place, danish
these DH IY1 Z
kine K AY1 N
lobster L AA1 B S T ER0
la L AA1
"""


@pytest.fixture
def root(tmp_path: Path, recordings: list[Path]) -> Path:
    lay_out(tmp_path / "LibriSpeech", TEXTS, recordings[0].parent)
    (tmp_path / "LibriSpeech/test-other").rename(tmp_path / "LibriSpeech/test-clean")
    return tmp_path / "LibriSpeech"


def opened(root: Path, **beside: Path) -> SampleSource:
    return open_source(definition("pr:librispeech-test-clean"), Path(), {"librispeech": root, **beside})


def test_a_dictionary_gives_first_pronunciations_and_leaves_unknown_words_out(root: Path, tmp_path: Path) -> None:
    lexicon = tmp_path / "cmudict.dict"
    lexicon.write_text(CMU)
    source = opened(root, phones=lexicon)
    (sample,) = source.samples()
    assert sample.references == ("B AH1 T B IH0 HH OW1 L D DH IY1 Z K AY1 N",)
    assert sample.fields == {"transcript": TEXTS[sample.id], "phones": sample.references[0]}
    assert sample.id == "2414-128291-0009" and sample.cluster == ("2414",)
    assert len(source.absent()) == 3
    assert source.remarks() == ("3 items are not asked: a word is not in the dictionary",)
    (pronounced, origin), oov = source.protocol
    assert pronounced == "pronounced" and origin.startswith("cmudict.") and oov == ("oov", "utterance-left-out")


def test_librispeech_s_lexicon_is_found_beside_the_corpus(root: Path) -> None:
    (root / "librispeech-lexicon.txt").write_text(
        "LOBSTER\tL AA1 B S T ER0\nLOBSTER\tL AO1 B S T ER0\nA AH0\nLA L AA1\nNEWBERG\tN UW1 B ER0 G\n"
    )
    (sample,) = opened(root).samples()
    assert sample.references == ("L AA1 B S T ER0 AH0 L AA1 N UW1 B ER0 G",)


def test_alignments_in_the_release_s_form_go_by_utterance(root: Path, tmp_path: Path) -> None:
    entries = [
        {"path": "/data/x/367-130732-0006.flac", "text": "sil L AA1 B sil", "task": "phone_recognition"},
        {"path": "/data/x/3331-159605-0004.flac", "text": "What a spiteful thing", "task": "asr"},
    ]
    file = tmp_path / "aligned.json"
    file.write_text(json.dumps({"annotation": entries}))
    source = opened(root, phones=file)
    (sample,) = source.samples()
    assert (sample.id, sample.references) == ("367-130732-0006", ("sil L AA1 B sil",))
    assert source.protocol[0][1].startswith("aligned.")
    before = source.fingerprint()
    file.write_text(json.dumps({"annotation": entries}).replace("AA1", "AO1"))
    assert opened(root, phones=file).fingerprint() != before
    file.write_text(json.dumps({"annotation": entries[1:]}))
    with pytest.raises(UsageError, match=r"none of its 1 entries has the task 'phone_recognition'"):
        opened(root, phones=file)


def test_without_phones_it_is_said_where_they_are_published(root: Path) -> None:
    with pytest.raises(PrerequisiteError, match=r"no phones for LibriSpeech.*openslr\.org/11.*--data phones=FILE"):
        opened(root)


def test_a_line_that_is_no_pronunciation_is_named(tmp_path: Path) -> None:
    file = tmp_path / "lexicon.txt"
    file.write_text("TO T UW1\nTOO\n")
    with pytest.raises(UsageError, match=r"lexicon\.txt:2: 'TOO'; expected a word and its phones in ARPAbet"):
        read_lexicon(file)
    file.write_text("TO T 5\n")
    with pytest.raises(UsageError, match=r"lexicon\.txt:1: "):
        read_lexicon(file)
    file.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        read_lexicon(file)


def test_the_cmu_dictionary_gives_the_phones_that_a_second_program_looked_up(shared: Path, tmp_path: Path) -> None:
    root = shutil.copytree(shared / "samples/formats/librispeech", tmp_path / "LibriSpeech")
    shutil.rmtree(root / "test-clean")
    (root / "test-other").rename(root / "test-clean")
    source = opened(root, phones=shared / "samples/formats/cmudict/cmudict.subset.dict")
    rows = map(json.loads, (shared / "samples/annotations/librispeech_test_other.jsonl").read_text().splitlines())
    told = {row["id"]: row["labels"]["phones_lexicon"] for row in rows if not row["labels"]["phones_oov"]}
    found = {item.sample.id: item.sample.references[0] for item in source.items() if item.left_out is None}
    assert found == told and len(found) == 60
