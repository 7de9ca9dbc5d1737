import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from salmonn_eval.data.audio import decode
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioPolicy
from salmonn_eval.tasks.spec import DatasetSpec

SPEC = DatasetSpec(suite="paper", source="salmonn", cluster="item", corpus="own", path="ann.json")
WRITTEN = "/data/somewhere/audio"


def open_(folder: Path, *entries: dict, **changes):
    (folder / "ann.json").write_text(json.dumps({"annotation": entries}))
    spec = msgspec.structs.replace(SPEC, **changes)
    return open_source(spec, folder, {"own": folder})


@pytest.fixture
def folder(tmp_path, recordings) -> Path:
    (tmp_path / "audio").symlink_to(recordings[0].parent)
    return tmp_path


def entry(name: str, text: str = "Lobster a la newberg", **more) -> dict:
    return {"path": f"{WRITTEN}/{name}.flac", "text": text, **more}


def test_absolute_paths_of_another_machine_are_found_below_the_corpus(folder, speech):
    (sample,) = open_(folder, entry("367-130732-0006", task="asr")).samples()
    assert sample.clips[0].parts[0].path == f"{folder}/audio/367-130732-0006.flac"
    assert np.array_equal(decode(sample.clips[0], AudioPolicy()).samples, speech[3])
    assert sample.id == "367-130732-0006"
    assert sample.references == ("Lobster a la newberg",)
    assert sample.fields == {"transcript": "Lobster a la newberg"}


def test_expand_wav_follows_after_a_tenth_of_a_second(folder, speech):
    more = [f"{WRITTEN}/2414-128291-0009.flac", f"{WRITTEN}/3005-163389-0007.flac"]
    (sample,) = open_(folder, entry("367-130732-0006", "No", task="speaker_verification", expand_wav=more)).samples()
    gap = np.zeros(1600, np.float32)
    expected = np.concatenate([speech[3], gap, speech[0], gap, speech[1]])
    assert np.array_equal(decode(sample.clips[0], AudioPolicy()).samples, expected)
    assert sample.fields == {} and sample.references == ("No",)


def test_questions_become_fields_and_repeated_files_different_ids(folder):
    entries = [
        entry("367-130732-0006", "Lobster", task="QA", Q="What is served?"),
        entry("367-130732-0006", "Newberg", task="QA", Q="In what manner?"),
        entry("367-130732-0006", "female", task="gender_QA", Q="Who speaks?"),
    ]
    samples = list(open_(folder, *entries, config="QA").samples())
    assert [(s.id, s.fields) for s in samples] == [
        ("367-130732-0006", {"question": "What is served?"}),
        ("367-130732-0006#2", {"question": "In what manner?"}),
    ]


def test_columns_give_other_roles(folder):
    emotion = open_(folder, entry("367-130732-0006", "happy", task="emotion"), columns={"label": "text"})
    (sample,) = emotion.samples()
    assert sample.labels == ("happy",) and sample.references == ()


def test_files_that_are_not_there_are_absent(folder):
    found = open_(folder, entry("gone"), entry("367-130732-0006"))
    assert [sample.id for sample in found.samples()] == ["367-130732-0006"]
    assert found.absent() == ("gone",)


def test_what_is_not_the_release_s_form_is_said(folder):
    with pytest.raises(UsageError, match=r"ann\.json: .*missing required field `text` - at `\$\.annotation\[0\]`"):
        list(open_(folder, {"path": "x.flac"}).samples())
    (folder / "ann.json").unlink()
    with pytest.raises(PrerequisiteError, match=r"ann\.json: no such annotation"):
        open_source(SPEC, folder, {"own": folder})


def test_the_release_s_own_example(shared, tmp_path):
    (tmp_path / "LibriSpeech").mkdir()
    (tmp_path / "ann.json").write_bytes((shared / "samples/formats/salmonn/example_data.json").read_bytes())
    items = list(open_source(SPEC, tmp_path, {"own": tmp_path}).items())
    assert [item.sample.id for item in items] == ["103-1240-0000", "103-1240-0001"]
    assert items[0].sample.references[0].startswith("Chapter one missus rachel lynde is surprised")
