import shutil
from pathlib import Path

import msgspec
import pytest
import soundfile

from salmonn_eval.data.audio import decode
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioPolicy
from salmonn_eval.tasks.spec import DatasetSpec

SPEC = DatasetSpec(suite="paper", source="librispeech", cluster="speaker", corpus="librispeech", split="test-other")
TEXTS = {
    "2414-128291-0009": "BUT BEHOLD THESE KINE",
    "3005-163389-0007": "YOU DIDN'T WANT TO COME",
    "3331-159605-0004": "WHAT A SPITEFUL THING I AM",
    "367-130732-0006": "LOBSTER A LA NEWBERG",
}


def lay_out(root: Path, texts: dict[str, str], audio: Path) -> Path:
    """Put utterances into the corpus's own folders."""
    for utterance, text in texts.items():
        speaker, chapter, _ = utterance.split("-")
        folder = root / "test-other" / speaker / chapter
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{speaker}-{chapter}.trans.txt").open("a") as file:
            file.write(f"{utterance} {text}\n")
        shutil.copy(audio / f"{utterance}.flac", folder)
    return root


@pytest.fixture
def root(tmp_path, recordings) -> Path:
    return lay_out(tmp_path / "LibriSpeech", TEXTS, recordings[0].parent)


def open_(folder: Path):
    return open_source(SPEC, Path(), {"librispeech": folder})


def test_the_corpus_s_own_layout_is_read_from_its_root_or_the_folder_around_it(root, speech):
    for folder in (root, root.parent):
        samples = list(open_(folder).samples())
        assert {sample.id: sample.references for sample in samples} == {k: (v,) for k, v in TEXTS.items()}
        assert all(sample.fields == {"transcript": sample.references[0]} for sample in samples)
        assert [sample.cluster for sample in samples] == [("2414",), ("3005",), ("3331",), ("367",)]
        for sample, sound in zip(samples, speech, strict=True):
            assert (decode(sample.clips[0], AudioPolicy()).samples == sound).all()


def test_speakers_are_clusters_only_where_the_definition_says_so(root):
    for cluster in ("item", "clip"):
        spec = msgspec.structs.replace(SPEC, cluster=cluster)
        samples = list(open_source(spec, Path(), {"librispeech": root}).samples())
        assert [sample.cluster for sample in samples] == [()] * 4


def test_genders_come_from_the_speakers_table_where_it_is_there(root):
    assert [sample.group for sample in open_(root).samples()] == [{}] * 4
    before = open_(root).fingerprint()
    (root / "SPEAKERS.TXT").write_text(
        ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "367  | F | test-other       | 6.74  | Kathleen Dang\n"
        "2414 | M | test-other       | 10.10 | Ashwin Jain\n"
    )
    groups = {sample.cluster[0]: sample.group for sample in open_(root).samples()}
    assert groups == {"367": {"gender": "female"}, "2414": {"gender": "male"}, "3005": {}, "3331": {}}
    assert open_(root).fingerprint() == before


def test_an_utterance_without_its_audio_is_absent(root):
    (root / "test-other/367/130732/367-130732-0006.flac").unlink()
    assert len(list(open_(root).samples())) == 3
    assert open_(root).absent() == ("367-130732-0006",)


def test_the_fingerprint_follows_the_transcripts_and_not_the_folder(root, tmp_path):
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    assert open_(moved).fingerprint() == open_(root).fingerprint()
    (moved / "test-other/367/130732/367-130732.trans.txt").write_text("367-130732-0006 LOBSTER\n")
    assert open_(moved).fingerprint() != open_(root).fingerprint()


def test_a_malformed_transcript_is_named_with_file_and_line(root):
    path = root / "test-other/367/130732/367-130732.trans.txt"
    path.write_text("367-130732-0006 LOBSTER\n367-130732-0007\n")
    with pytest.raises(UsageError, match=r"367-130732\.trans\.txt:2: '367-130732-0007' has no transcript"):
        list(open_(root).samples())
    path.write_bytes(b"367-130732-0006 LOBSTER\n367-130732-0007 CAF\xc9\n")
    with pytest.raises(UsageError, match=r"367-130732\.trans\.txt:2: not UTF-8"):
        list(open_(root).samples())


def test_a_byte_order_mark_and_windows_line_ends_are_read_as_meant(root):
    path = root / "test-other/367/130732/367-130732.trans.txt"
    before = [sample for sample in open_(root).samples()]
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert [sample for sample in open_(root).samples()] == before


def test_a_split_that_is_not_there_or_not_named_is_said(root):
    with pytest.raises(PrerequisiteError, match="test-clean: no transcripts"):
        open_source(msgspec.structs.replace(SPEC, split="test-clean"), Path(), {"librispeech": root})
    with pytest.raises(UsageError, match="has no split"):
        open_source(msgspec.structs.replace(SPEC, split=None), Path(), {"librispeech": root})


def test_the_78_utterances_of_ten_speakers(shared, tmp_path):
    root = shutil.copytree(shared / "samples/formats/librispeech", tmp_path / "LibriSpeech")
    for path in (shared / "samples/audio/librispeech_test_other").glob("*.flac"):
        speaker, chapter, _ = path.stem.split("-")
        (root / "test-other" / speaker / chapter / path.name).symlink_to(path)
    (root / "SPEAKERS.excerpt.TXT").rename(root / "SPEAKERS.TXT")
    annotated = {
        row["id"]: row
        for line in (shared / "samples/annotations/librispeech_test_other.jsonl").read_text().splitlines()
        for row in [msgspec.json.decode(line)]
    }
    samples = list(open_(tmp_path).samples())
    assert {sample.id for sample in samples} == set(annotated) and len(samples) == 78
    for sample in samples:
        row = annotated[sample.id]
        assert sample.references == (row["text"],)
        assert sample.cluster == (row["speaker"],)
        assert sample.group == {"gender": row["gender"]}
        assert soundfile.info(sample.clips[0].parts[0].path).duration == pytest.approx(row["duration_s"], abs=1e-3)
