import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from salmonn_eval.data.audio import decode
from salmonn_eval.data.cells import cell
from salmonn_eval.data.encoded import probe
from salmonn_eval.data.hashes import AudioHashes
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import AudioError, PrerequisiteError, UsageError
from salmonn_eval.records import AudioPolicy, Clip
from salmonn_eval.tasks.spec import DatasetSpec

datasets = pytest.importorskip("datasets")

TEXTS = ["BUT BEHOLD THESE KINE", "YOU DIDN'T WANT TO COME", "WHAT A SPITEFUL THING I AM", "LOBSTER A LA NEWBERG"]
SPEC = DatasetSpec(
    suite="paper",
    source="huggingface",
    cluster="speaker",
    path="set",
    split="test",
    columns={"audio": "audio", "text": "text", "id": "utterance", "speaker": "reader", "gender": "sex"},
    breakdown=("gender",),
)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf-cache")


@pytest.fixture
def table(recordings):
    columns = {
        "audio": [{"bytes": path.read_bytes(), "path": path.name} for path in recordings],  # as parquet holds it
        "text": TEXTS,
        "utterance": [path.stem for path in recordings],
        "reader": [int(path.stem.split("-")[0]) for path in recordings],
        "sex": [1, 1, 0, 0],
    }
    features = datasets.Features(
        audio={"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
        text=datasets.Value("string"),
        utterance=datasets.Value("string"),
        reader=datasets.Value("int32"),
        sex=datasets.ClassLabel(names=["female", "male"]),
    )
    return datasets.Dataset.from_dict(columns, features=features).cast_column("audio", datasets.Audio())


def open_(folder: Path, **changes):
    return open_source(msgspec.structs.replace(SPEC, **changes), folder, {})


def check_samples(samples, recordings, speech, folder):
    assert [sample.id for sample in samples] == [path.stem for path in recordings]
    assert [sample.references for sample in samples] == [(text,) for text in TEXTS]
    assert [sample.cluster for sample in samples] == [("2414",), ("3005",), ("3331",), ("367",)]
    assert [sample.group["gender"] for sample in samples] == ["male", "male", "female", "female"]
    for sample, path, sound in zip(samples, recordings, speech, strict=True):
        (ref,) = sample.clips[0].parts
        assert ref.data is None
        assert cell(ref.path) == path.read_bytes()
        assert np.array_equal(decode(sample.clips[0], AudioPolicy()).samples, sound)
        assert probe(ref) == len(sound) / 16_000
        with AudioHashes(folder / "hashes") as hashes:
            hashed = hashes.with_hashes(sample.clips[0]).parts[0].sha256
        assert hashed == hashlib.sha256(path.read_bytes()).hexdigest()
        decode(Clip((msgspec.structs.replace(ref, sha256=hashed),)), AudioPolicy())
        with pytest.raises(AudioError, match=f"SHA-256 is {hashed}; expected 00ff"):
            decode(Clip((msgspec.structs.replace(ref, sha256="00ff"),)), AudioPolicy())


def test_a_dataset_saved_to_disk_gives_undecoded_cells(table, tmp_path, recordings, speech):
    datasets.DatasetDict(train=table.select([0]), test=table).save_to_disk(tmp_path / "set")
    check_samples(list(open_(tmp_path).samples()), recordings, speech, tmp_path)


def test_a_parquet_file_gives_the_same(table, tmp_path, recordings, speech):
    table.to_parquet(tmp_path / "set.parquet")
    found = open_(tmp_path, path="set.parquet", split=None)
    check_samples(list(found.samples()), recordings, speech, tmp_path)
    datasets.DatasetDict(test=table).save_to_disk(tmp_path / "set")
    assert found.fingerprint() == open_(tmp_path).fingerprint()


def test_a_cluster_is_one_member_or_a_list_of_two_and_is_never_made_up(tmp_path):
    speakers = [["61", "62"], ["61", "63"], None]
    table = datasets.Dataset.from_dict({"text": TEXTS[:3], "speakers": speakers, "utterance": ["a", "b", "c"]})
    table.to_parquet(tmp_path / "set.parquet")
    columns = {"text": "text", "id": "utterance", "both speakers": "speakers"}

    def clusters(cluster):
        found = open_(tmp_path, path="set.parquet", split=None, columns=columns, cluster=cluster, breakdown=())
        return [sample.cluster for sample in found.samples()]

    assert clusters("both speakers") == [("61", "62"), ("61", "63"), ()]
    assert clusters("item") == clusters("speaker") == [()] * 3


def test_a_cluster_of_three_is_told_with_its_row(tmp_path):
    table = datasets.Dataset.from_dict({"text": TEXTS[:2], "speakers": [["61"], ["61", "62", "63"]]})
    table.to_parquet(tmp_path / "set.parquet")
    columns = {"text": "text", "both speakers": "speakers"}
    found = open_(tmp_path, path="set.parquet", split=None, columns=columns, cluster="both speakers", breakdown=())
    with pytest.raises(UsageError, match=r"set\.parquet:2: 3 members of the cluster \(61, 62, 63\)"):
        list(found.samples())


@pytest.mark.parametrize("form", ["struct", "binary"])
def test_encoded_audio_without_the_audio_type_is_heard(form, tmp_path, recordings, speech):
    contents = [path.read_bytes() for path in recordings]
    cells = [{"bytes": content, "path": None} for content in contents] if form == "struct" else contents
    datasets.Dataset.from_dict({"audio": cells, "text": TEXTS}).to_parquet(tmp_path / "set.parquet")
    samples = list(open_(tmp_path, path="set.parquet", split=None, columns={}).samples())
    assert [sample.fields for sample in samples] == [{"transcript": text} for text in TEXTS]
    for sample, sound in zip(samples, speech, strict=True):
        assert np.array_equal(decode(sample.clips[0], AudioPolicy()).samples, sound)


def test_a_csv_of_paths_names_files_beside_it(tmp_path, recordings):
    (tmp_path / "audio").symlink_to(recordings[0].parent)
    rows = [f"audio/{path.name},{text}" for path, text in zip(recordings, TEXTS, strict=True)]
    (tmp_path / "set.csv").write_text("\n".join(["audio,text", *rows, "audio/gone.flac,GONE", ""]))
    found = open_(tmp_path, path="set.csv", split=None, columns={})
    samples = list(found.samples())
    assert [sample.clips[0].parts[0].path for sample in samples] == [f"{tmp_path}/audio/{p.name}" for p in recordings]
    assert [sample.fields for sample in samples] == [{"transcript": text} for text in TEXTS]
    assert samples[0].id == hashlib.sha256(TEXTS[0].encode()).hexdigest()[:12] + "-1"
    assert len(found.absent()) == 1


def test_an_audio_folder_is_read_by_its_metadata(tmp_path, recordings, speech):
    (tmp_path / "set").mkdir()
    for path in recordings:
        (tmp_path / "set" / path.name).symlink_to(path)
    rows = [f"{path.name},{text}" for path, text in zip(recordings, TEXTS, strict=True)]
    (tmp_path / "set/metadata.csv").write_text("\n".join(["file_name,text", *rows, ""]))
    columns = {"audio": "file_name", "text": "text"}
    samples = list(open_(tmp_path, path="set/metadata.csv", split=None, columns=columns).samples())
    heard = {s.references[0]: decode(s.clips[0], AudioPolicy()).samples for s in samples}
    assert all(np.array_equal(heard[text], sound) for text, sound in zip(TEXTS, speech, strict=True))


def test_the_library_s_progress_bars_are_as_before(table, tmp_path, capfd):
    table.to_parquet(tmp_path / "set.parquet")
    capfd.readouterr()
    datasets.enable_progress_bars()
    list(open_(tmp_path, path="set.parquet", split=None).samples())
    assert capfd.readouterr().err == ""
    assert not datasets.are_progress_bars_disabled()


def test_a_repository_must_be_pinned_to_a_commit(tmp_path):
    with pytest.raises(UsageError, match="revision 'main' may move; expected the 40 digits of a commit"):
        open_(tmp_path, path="owner/name", revision="main")
    with pytest.raises(PrerequisiteError, match="for a repository of the hub also state `revision:`"):
        open_(tmp_path, path="owner/name")


def test_what_the_dataset_lacks_is_named_with_what_it_has(table, tmp_path):
    datasets.DatasetDict(train=table, test=table).save_to_disk(tmp_path / "set")
    with pytest.raises(PrerequisiteError, match="no split 'dev'; expected `split:` to be one of train, test"):
        open_(tmp_path, split="dev")
    with pytest.raises(UsageError, match="no column 'sentence' for text; expected one of audio, text, utterance"):
        open_(tmp_path, columns={"text": "sentence"})


def test_a_folder_that_is_no_dataset_is_one_sentence(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(PrerequisiteError, match="cannot be loaded as a Hugging Face dataset") as fault:
        open_(tmp_path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("address", ["hf:///none?column=audio#0", "hf://none", "hf:///none?colour=red&column=a#1"])
def test_an_address_that_leads_nowhere_is_an_audio_error(address):
    with pytest.raises(AudioError):
        cell(address)


def test_a_row_or_column_that_is_not_there_is_an_audio_error(table, tmp_path):
    datasets.DatasetDict(test=table).save_to_disk(tmp_path / "set")
    for place in ("split=test&column=audio#99", "split=test&column=sound#0"):
        with pytest.raises(AudioError, match="no such cell"):
            cell(f"hf://{tmp_path}/set?{place}")
    with pytest.raises(AudioError, match="expected encoded audio"):
        cell(f"hf://{tmp_path}/set?split=test&column=reader#0")


def test_a_mirror_with_lists_of_captions_has_several_references(tmp_path, recordings):
    rows = {
        "audio": [str(path) for path in recordings],
        "youtube_id": ["a", "b", "c", "d"],
        "captions": [["A dog barks", "A hound howls"], ["Rain"], ["Wind", "Wind blows"], ["A door"]],
    }
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "mirror.parquet")
    columns = {"id": "youtube_id", "audio": "audio", "reference": "captions"}
    mirror = {"path": "mirror.parquet", "split": "train", "cluster": "clip", "breakdown": ()}
    samples = list(open_(tmp_path, columns=columns, **mirror).samples())
    assert [sample.references for sample in samples] == [tuple(captions) for captions in rows["captions"]]
    assert [sample.id for sample in samples] == ["a", "b", "c", "d"]
    with pytest.raises(
        UsageError, match="no column 'caption' for reference; expected one of audio, youtube_id, captions"
    ):
        open_(tmp_path, columns={**columns, "reference": "caption"}, **mirror)
