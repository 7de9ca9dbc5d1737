import hashlib
import json
from pathlib import Path

import pytest

from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

SPEC = DatasetSpec(suite="mini", source="manifest", cluster="speaker", path="m.jsonl")


def source(folder: Path, *lines: object):
    rows = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / "m.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    return open_source(SPEC, folder, {})


@pytest.fixture
def folder(tmp_path: Path, recordings: list[Path]) -> Path:
    (tmp_path / "audio").symlink_to(recordings[0].parent)
    return tmp_path


def test_a_full_line_becomes_a_sample(folder):
    line = {
        "id": "a-1",
        "audio": [
            {"path": "audio/2414-128291-0009.flac", "start_s": 0.5, "end_s": 2},
            {"path": "audio/367-130732-0006.flac"},
        ],
        "join": "mix",
        "gains": [1, 0.5],
        "mix_length": "min",
        "fields": {"transcript": "BUT BEHOLD", "slot": "event_name", "keys": [1, 2]},
        "references": ["one", "two"],
        "labels": ["male"],
        "cluster": ["2414", "367"],
        "group": {"gender": "male"},
        "duration_s": 1.5,
    }
    parts = (
        AudioRef(f"{folder}/audio/2414-128291-0009.flac", start_s=0.5, end_s=2.0),
        AudioRef(f"{folder}/audio/367-130732-0006.flac"),
    )
    assert list(source(folder, line).samples()) == [
        Sample(
            "a-1",
            (Clip(parts, join="mix", gains=(1.0, 0.5), mix_length="min"),),
            {"transcript": "BUT BEHOLD", "slot": "event_name", "keys": [1, 2], "duration_s": 1.5},
            ("one", "two"),
            ("male",),
            ("2414", "367"),
            {"gender": "male"},
        )
    ]


@pytest.mark.parametrize("key", ["audio", "audio_filepath", "path"])
def test_a_plain_speech_manifest_is_read(folder, key):
    line = {key: "audio/367-130732-0006.flac", "text": "LOBSTER A LA NEWBERG", "duration": 2.35, "id": 7}
    (sample,) = source(folder, line).samples()
    assert sample.id == "7" and sample.cluster == ()
    assert sample.references == ("LOBSTER A LA NEWBERG",)
    assert sample.fields == {"transcript": "LOBSTER A LA NEWBERG", "duration_s": 2.35}
    assert sample.clips == (Clip((AudioRef(f"{folder}/audio/367-130732-0006.flac"),)),)


def test_an_offset_bounds_what_is_heard(folder):
    line = {"audio_filepath": "audio/367-130732-0006.flac", "offset": 0.5, "duration": 1.25}
    (sample,) = source(folder, line).samples()
    assert sample.clips[0].parts[0].start_s == 0.5 and sample.clips[0].parts[0].end_s == 1.75


def test_a_line_without_audio_is_a_sample(folder):
    (sample,) = source(folder, {"id": "x", "references": ["yes"]}).samples()
    assert sample == Sample("x", references=("yes",))


def test_ids_are_made_from_the_reference_and_its_occurrence_whatever_the_order(folder):
    lines = [{"text": "good morning"}, {"text": "good night"}, {"text": "good morning"}]
    morning = hashlib.sha256(b"good morning").hexdigest()[:12]
    night = hashlib.sha256(b"good night").hexdigest()[:12]
    assert [sample.id for sample in source(folder, *lines).samples()] == [f"{morning}-1", f"{night}-1", f"{morning}-2"]
    assert [sample.id for sample in source(folder, *lines[1:]).samples()] == [f"{night}-1", f"{morning}-1"]


def test_a_repeated_id_names_both_lines(folder):
    with pytest.raises(UsageError, match=r"m\.jsonl:4: id 'a' stands already in .*m\.jsonl:1"):
        list(source(folder, {"id": "a"}, {"id": "b"}, b"", {"id": "a"}).samples())


def test_missing_audio_is_absent_and_the_rest_is_there(folder):
    gone = [{"id": "a", "audio": "audio/gone.flac"}, {"id": "long", "audio": "x" * 300}]
    lines = [*gone, {"id": "b", "audio": "audio/367-130732-0006.flac"}]
    found = source(folder, *lines)
    assert [sample.id for sample in found.samples()] == ["b"]
    assert found.absent() == ("a", "long")


def test_no_audio_at_all_is_a_missing_prerequisite(folder):
    with pytest.raises(PrerequisiteError, match=r"none of the 2 .* is on disk \(the first is .*gone-1.flac\)"):
        list(source(folder, *({"id": str(n), "audio": f"gone-{n}.flac"} for n in (1, 2))).samples())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"id": "b", "text": "caf\xe9"}', "2: not a valid manifest line"),
        (b'{"id": "b", "audio": ', "2: not a valid manifest line"),
        ({"id": "b", "refrences": ["x"]}, "2: .*unknown field `refrences`"),
        ({"id": "b", "references": "x"}, r"2: .*Expected `array`, got `str` - at `\$.references`"),
        ({"id": 1.5}, r"2: .*Expected `int \| str \| null`, got `float` - at `\$.id`"),
        ({"id": "b", "audio": "x.flac", "path": "y.flac"}, "2: more than one of audio, audio_filepath and path"),
        ({"id": "b", "audio": []}, "2: audio is an empty list"),
        ({"id": "b", "audio": [{"path": "x"}, {"path": "y"}]}, "2: 2 parts of audio and join 'single'"),
        ({"id": "b", "audio": [{"path": "x"}], "join": "mix", "gains": [1, 2]}, "2: 2 gains for 1 parts"),
        ({"id": "b", "audio": [{"path": "x", "start_s": 3, "end_s": 2}]}, "2: audio from 3 s to 2.0 s"),
        ({"id": "b", "audio": [{"path": "x"}], "join": "concat", "gap_s": -1}, "2: gap_s is -1"),
        ({"id": "b", "audio": [{"path": "x"}], "sha256": "00"}, "2: sha256 or offset beside a list of parts"),
        ({"id": "b", "cluster": ["x", "y", "z"]}, r"2: 3 members of the cluster \(x, y, z\); expected one, or two"),
    ],
)
def test_a_malformed_line_is_one_sentence_with_file_and_line(folder, line, sentence):
    with pytest.raises(UsageError, match=rf"m\.jsonl:{sentence}") as fault:
        list(source(folder, {"id": "a"}, line).samples())
    assert "\n" not in str(fault.value)


def test_the_fingerprint_is_of_the_annotation_and_not_of_its_place(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    first = source(folder, {"id": "a"}).fingerprint()
    assert source(elsewhere, {"id": "a"}).fingerprint() == first
    assert source(folder, {"id": "b"}).fingerprint() != first


def test_a_manifest_with_a_byte_order_mark_and_windows_line_ends_is_read_as_meant(tmp_path):
    lines = ['{"id": "a", "text": "one"}', '{"id": "b", "text": "two"}']
    (tmp_path / "own.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    spec = DatasetSpec(suite="mini", source="manifest", cluster="item", path="own.jsonl")
    assert [sample.references for sample in open_source(spec, tmp_path, {}).samples()] == [("one",), ("two",)]
