"""CoVoST 2, GigaSpeech, IEMOCAP, LibriMix, VoxCeleb1 and SLURP in their own layouts."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpora_layouts import RECORDING, clip, opened, write
from test_librispeech import TEXTS, lay_out

from salmonn_eval.cachefolder import cache_folder
from salmonn_eval.data.audio import decode
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioPolicy

COVOST = "path\ttranslation\tsplit\n"
VALIDATED = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALMONN_EVAL_CACHE", str(tmp_path_factory.mktemp("cache")))


def settled(root: Path) -> Path:
    """Files as if written a minute ago: old enough to be remembered."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    return root


@pytest.mark.parametrize(
    ("task", "pair", "translation"),
    [
        ("en2de:covost2-en-de", "en_de", 'Er sagte: "Ja" und ging.'),
        ("en2zh:covost2-en-zh", "en_zh-CN", "他说“是”就走了。"),
        ("en2ja:covost2-en-ja", "en_ja", "彼は「はい」と言って去った。"),
    ],
)
def test_covost2_joins_common_voice_as_the_corpus_s_script_does(
    tmp_path: Path, task: str, pair: str, translation: str
) -> None:
    rows = f"common_voice_en_2.mp3\t{translation}\ttest\ncommon_voice_en_3.mp3\tx\tdev\nlost.mp3\ty\ttest\n"
    spoken = 'spk-9\tcommon_voice_en_2.mp3\tHe said "yes" and left.\t2\t0\t\t\t\n'
    spoken += "spk-1\tcommon_voice_en_3.mp3\tNo\t2\t0\t\t\t\n"
    write(tmp_path, {f"covost_v2.{pair}.tsv": COVOST + rows, "en/validated.tsv": VALIDATED + spoken})
    clip(tmp_path / "en/clips/common_voice_en_2.mp3")
    source = opened(task, covost2=tmp_path)
    (sample,) = source.samples()
    assert sample.id == "common_voice_en_2" and sample.references == (translation,)
    assert sample.fields == {"transcript": 'He said "yes" and left.'} and sample.cluster == ("spk-9",)
    assert source.remarks() == (
        f"1 clips of covost_v2.{pair}.tsv stand in no row of validated.tsv; expected Common Voice 4, English",
    )


def test_covost2_s_joined_form_gives_the_same_items_and_fingerprint(tmp_path: Path) -> None:
    head = "path\tsentence\ttranslation\tclient_id\n"
    row = "common_voice_en_2.mp3\tYes.\tJa.\tspk-9\n"
    joined = write(tmp_path / "a", {"covost_v2.en_de.test.tsv": head + row})
    published = write(
        tmp_path / "b",
        {
            "covost_v2.en_de.tsv": COVOST + "common_voice_en_2.mp3\tJa.\ttest\n",
            "validated.tsv": VALIDATED + "spk-9\tcommon_voice_en_2.mp3\tYes.\t2\t0\t\t\t\n",
        },
    )
    sources = [opened("en2de:covost2-en-de", covost2=folder) for folder in (joined, published)]
    assert len({source.fingerprint() for source in sources}) == 1
    with pytest.raises(PrerequisiteError, match=r"covost_v2\.en_ja\.test\.tsv or .*covost_v2\.en_ja\.tsv"):
        opened("en2ja:covost2-en-ja", covost2=joined)


def test_covost2_s_own_rows(shared: Path, tmp_path: Path) -> None:
    formats = shared / "samples/formats/covost2"
    shutil.copy(formats / "covost_v2.en_de.sample.tsv", tmp_path / "covost_v2.en_de.test.tsv")
    (item,) = opened("en2de:covost2-en-de", covost2=tmp_path).items()
    assert item.sample.id == "common_voice_en_18540003"
    assert item.sample.references == ("Wenn Wasser knapp ist, verschwenden Sie es nicht.",)
    assert item.sample.fields == {"transcript": "When water is scarce, avoid wasting it."}
    shutil.copy(formats / "covost_v2.en_ja.test.header_only.tsv", tmp_path / "covost_v2.en_ja.test.tsv")
    assert list(opened("en2ja:covost2-en-ja", covost2=tmp_path).items()) == []


def recording(aid: str, *segments: tuple[str, float, float, str, str]) -> dict[str, object]:
    return {
        "aid": aid,
        "path": f"audio/{aid}.flac",
        "speaker": "N/A",
        "segments": [
            {"sid": sid, "begin_time": begin, "end_time": end, "text_tn": text, "subsets": [subset]}
            for sid, begin, end, text, subset in segments
        ],
    }


def test_gigaspeech_cuts_segments_out_of_long_files_and_treats_tags_by_rule(tmp_path: Path) -> None:
    audios = [
        recording("POD1", ("POD1_S0", 0.0, 0.5, "X", "{XL}")),
        recording(
            "YOU2",
            ("YOU2_S0", 0.25, 1.0, "LOBSTER <COMMA> A LA NEWBERG <PERIOD>", "{TEST}"),
            ("YOU2_S1", 1.0, 1.2, "<MUSIC>", "{TEST}"),
            ("YOU2_S2", 1.2, 1.4, "<NOISE> <UNK> UH <QUESTIONMARK>", "{TEST}"),
            ("YOU2_S3", 1.4, 1.6, "<UNK> <PERIOD>", "{TEST}"),
        ),
    ]
    write(tmp_path, {"GigaSpeech.json": json.dumps({"dataset": "GigaSpeech", "audios": audios}, indent=1)})
    clip(tmp_path / "audio/YOU2.flac")
    source = opened("asr:gigaspeech-test", gigaspeech=settled(tmp_path))
    sample, second = source.samples()
    assert sample.id == "YOU2_S0" and sample.cluster == ("YOU2",)
    assert (second.id, second.references) == ("YOU2_S2", ("UH",))
    assert sample.references == ("LOBSTER A LA NEWBERG",) and sample.fields == {"transcript": "LOBSTER A LA NEWBERG"}
    whole, _ = soundfile.read(RECORDING, dtype="float32")
    assert np.array_equal(decode(sample.clips[0], AudioPolicy()).samples, whole[4_000:16_000])
    assert source.absent() == ("YOU2_S1", "YOU2_S3")
    assert source.remarks() == ("2 items are not asked: the reference is tags only (no words)",)
    assert source.protocol == (("tags", "off,tags-only-left-out"),)


def test_gigaspeech_is_indexed_once_and_again_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "GigaSpeech.json"
    for text in ("ONE", "TWO WORDS"):
        path.write_text(json.dumps({"audios": [recording("A", ("A_S0", 0, 1, text, "{TEST}"))]}))
        settled(tmp_path)
        before = opened("asr:gigaspeech-test", gigaspeech=tmp_path)
        assert [item.sample.references for item in before.items()] == [(text,)]
    size, times = path.stat().st_size, path.stat()
    path.write_bytes(b"#" * size)  # what is remembered needs the file no more
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    again = opened("asr:gigaspeech-test", gigaspeech=tmp_path)
    assert [item.sample.references for item in again.items()] == [("TWO WORDS",)]
    assert len(list((cache_folder() / "indexes").iterdir())) == 1


def test_a_gigaspeech_file_that_is_cut_or_broken_is_named_with_its_line(tmp_path: Path) -> None:
    text = json.dumps({"audios": [recording(f"A{i}", (f"A{i}_S0", 0, 1, "X", "{TEST}")) for i in range(3)]}, indent=0)
    path = tmp_path / "GigaSpeech.json"
    path.write_text(text[: text.index('"A2_S0"')])
    with pytest.raises(UsageError, match=r"GigaSpeech\.json:\d+: not valid JSON"):
        list(opened("asr:gigaspeech-test", gigaspeech=tmp_path).items())
    path.write_text(text.rstrip("]}\n") + "}]}\n")
    with pytest.raises(UsageError, match=r"GigaSpeech\.json:\d+: "):
        list(opened("asr:gigaspeech-test", gigaspeech=tmp_path).items())
    path.write_text('{"audio": []}')
    with pytest.raises(UsageError, match=r"GigaSpeech\.json: holds no list 'audios'"):
        list(opened("asr:gigaspeech-test", gigaspeech=tmp_path).items())
    path.write_text('{"audios": [\n{"aid": "A",\n "path": "a.opus", "segments": [{"sid": "A_S0"}]}]}')
    with pytest.raises(UsageError, match=r"GigaSpeech\.json:2: not a recording of GigaSpeech: .*begin_time"):
        list(opened("asr:gigaspeech-test", gigaspeech=tmp_path).items())


def test_gigaspeech_s_own_segment(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "samples/formats/gigaspeech.test_only/GigaSpeech.sample.json").read_text()
    (tmp_path / "GigaSpeech.json").write_text(whole.replace("{XL}", "{TEST}"))
    (item,) = opened("asr:gigaspeech-test", gigaspeech=tmp_path).items()
    part = item.sample.clips[0].parts[0]
    assert item.sample.id == "POD0000000001_S0000008" and item.sample.cluster == ("POD0000000001",)
    assert (part.start_s, part.end_s) == (159.0, 167.52)
    assert item.sample.references[0].endswith("YOU SEE SOMEONE IN A SUIT THEY MAY BE GREETING YOU")


EVALUATION = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[0.0500 - 0.8000]\tSes05F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()

[0.8000 - 1.1000]\tSes05F_impro01_M000\texc\t[4.0000, 3.0000, 2.5000]
C-E2:\tExcited;\t()

[1.2000 - 1.5000]\tSes05F_impro01_M001\txxx\t[2.5000, 3.0000, 3.0000]
[1.5000 - 1.6000]\tSes05F_impro01_F001\tfru\t[2.5000, 3.0000, 3.0000]
"""
SAID = """\
Ses05F_impro01_F000 [000.0500-000.8000]: Excuse me.
Ses05F_impro01_M000 [000.8000-001.1000]: Yes!
M: [laughs]
"""


def iemocap(root: Path, evaluation: str = EVALUATION, said: str = SAID) -> Path:
    session = "IEMOCAP_full_release/Session5/dialog"
    files: dict[str, str | bytes] = {
        "EmoEvaluation/Ses05F_impro01.txt": evaluation,
        "EmoEvaluation/._Ses05F_impro01.txt": b"\x00\x05\x16\x07",
        "transcriptions/Ses05F_impro01.txt": said,
    }
    write(root / session, files)
    return root


def test_iemocap_merges_excited_into_happy_and_leaves_other_classes(tmp_path: Path) -> None:
    root = iemocap(tmp_path)
    clip(root / "IEMOCAP_full_release/Session5/sentences/wav/Ses05F_impro01/Ses05F_impro01_F000.wav")
    clip(root / "IEMOCAP_full_release/Session5/dialog/wav/Ses05F_impro01.wav")
    first, second = opened("er:iemocap-session5", iemocap=root).samples()
    assert (first.id, first.labels, first.fields) == ("Ses05F_impro01_F000", ("neutral",), {"transcript": "Excuse me."})
    assert (second.id, second.labels) == ("Ses05F_impro01_M000", ("happy",))
    assert first.group == {"speaker": "Ses05F", "gender": "female"} and second.group["speaker"] == "Ses05M"
    assert first.cluster == ()
    assert (second.clips[0].parts[0].start_s, second.clips[0].parts[0].end_s) == (0.8, 1.1)


def test_iemocap_s_faults_have_file_and_line(tmp_path: Path) -> None:
    root = iemocap(tmp_path, EVALUATION.replace("[0.8000 - 1.1000]\tSes", "[0.8000 - 1.1000] Ses"))
    with pytest.raises(UsageError, match=r"Ses05F_impro01\.txt:6: .* expected \[START - END\]"):
        list(opened("er:iemocap-session5", iemocap=root).items())
    iemocap(tmp_path, said=SAID.replace("_M000", "_M007"))
    with pytest.raises(UsageError, match=r"Ses05F_impro01\.txt:6: Ses05F_impro01_M000 is not in .*transcriptions"):
        list(opened("er:iemocap-session5", iemocap=root).items())
    shutil.rmtree(root / "IEMOCAP_full_release/Session5/dialog/transcriptions")
    with pytest.raises(PrerequisiteError, match=r"a transcription is not there"):
        opened("er:iemocap-session5", iemocap=root)


def test_iemocap_s_own_lines(shared: Path, tmp_path: Path) -> None:
    dialog = shared / "samples/formats/iemocap.test_only/Session1/dialog"
    evaluation = (dialog / "EmoEvaluation/Ses01F_impro01.sample.txt").read_text()
    said = (dialog / "transcriptions/Ses01F_impro01.sample.txt").read_text()
    (item,) = opened("er:iemocap-session5", iemocap=iemocap(tmp_path, evaluation, said)).items()
    assert item.sample.id == "Ses01F_impro01_F000" and item.sample.labels == ("neutral",)
    assert item.sample.fields == {"transcript": "Excuse me."}


MIX = """\
mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain
A_B,test-clean/2414/128291/2414-128291-0009.flac,0.5,test-clean/3005/163389/3005-163389-0007.flac,1.25,tt/n.wav,1.0
"""


@pytest.fixture
def storage(tmp_path: Path, recordings: list[Path]) -> Path:
    lay_out(tmp_path / "LibriSpeech", TEXTS, recordings[0].parent)
    (tmp_path / "LibriSpeech/test-other").rename(tmp_path / "LibriSpeech/test-clean")
    return write(tmp_path, {"LibriMix/metadata/Libri2Mix/libri2mix_test-clean.csv": MIX})


def test_librimix_mixes_librispeech_by_its_gains(storage: Path, speech: list[np.ndarray]) -> None:
    (sample,) = opened("osr:libri2mix-test", librimix=storage).samples()
    assert sample.references == ("BUT BEHOLD THESE KINE", "YOU DIDN'T WANT TO COME")
    assert sample.cluster == ("2414", "3005") and sample.id == "A_B"
    longest = max(len(speech[0]), len(speech[1]))
    padded = [np.pad(sound, (0, longest - len(sound))) for sound in speech[:2]]
    expected = np.float32(0.5) * padded[0] + np.float32(1.25) * padded[1]
    assert np.allclose(decode(sample.clips[0], AudioPolicy()).samples, expected, atol=1e-6)


def test_librimix_reads_ready_mixes_and_a_librispeech_elsewhere(storage: Path, tmp_path: Path) -> None:
    ready = clip(storage / "Libri2Mix/wav16k/max/test/mix_clean/A_B.wav")
    (sample,) = opened("osr:libri2mix-test", librimix=storage).samples()
    assert [part.path for part in sample.clips[0].parts] == [str(ready)] and sample.clips[0].join == "single"
    (storage / "LibriSpeech").rename(tmp_path / "elsewhere")
    with pytest.raises(PrerequisiteError, match=r"needs LibriSpeech's test-clean .*--data librispeech=DIR"):
        opened("osr:libri2mix-test", librimix=storage)
    source = opened("osr:libri2mix-test", librimix=storage, librispeech=tmp_path / "elsewhere")
    assert len(list(source.samples())) == 1


def test_librimix_s_faults_have_file_and_line(storage: Path) -> None:
    metadata = storage / "LibriMix/metadata/Libri2Mix/libri2mix_test-clean.csv"
    metadata.write_text(MIX.replace("0.5", "loud"))
    with pytest.raises(UsageError, match=r"libri2mix_test-clean\.csv:2: source_1_gain is 'loud'"):
        list(opened("osr:libri2mix-test", librimix=storage).items())
    metadata.write_text(MIX.replace("0009", "0010"))
    with pytest.raises(UsageError, match=r"csv:2: LibriSpeech has no transcript of 2414-128291-0010"):
        list(opened("osr:libri2mix-test", librimix=storage).items())


def test_librimix_s_own_metadata(shared: Path, storage: Path) -> None:
    own = shared / "samples/formats/librimix/Libri2Mix__libri2mix_test-clean.csv"
    shutil.copy(own, storage / "LibriMix/metadata/Libri2Mix/libri2mix_test-clean.csv")
    for row in own.read_text().splitlines()[1:]:
        for source in row.split(",")[1:4:2]:
            chapter = (storage / "LibriSpeech" / source).parent
            chapter.mkdir(parents=True, exist_ok=True)
            with (chapter / f"{chapter.parent.name}-{chapter.name}.trans.txt").open("a") as file:
                file.write(f"{Path(source).stem} TEXT OF {Path(source).stem}\n")
    items = list(opened("osr:libri2mix-test", librimix=storage).items())
    assert len(items) == 10 and items[0].sample.id == "4077-13754-0001_5142-33396-0065"
    assert items[0].sample.clips[0].gains == (0.7875413348848695, 1.4352834120507272)
    assert items[0].sample.references == ("TEXT OF 4077-13754-0001", "TEXT OF 5142-33396-0065")
    assert items[0].sample.cluster == ("4077", "5142")


TRIALS = """\
1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav
0 id10270/x6uYqmx31kE/00001.wav id10300/ize_eiCFEg0/00003.wav
1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav
"""


def test_voxceleb1_joins_the_two_utterances_of_a_trial(tmp_path: Path) -> None:
    write(tmp_path, {"veri_test.txt": TRIALS, "meta/veri_test2.txt": TRIALS})
    for line in TRIALS.splitlines():
        for name in line.split()[1:]:
            clip(tmp_path / "wav" / name)
    for name in ("sv:voxceleb1-o", "sv:voxceleb1-o-cleaned"):
        same, different, again = opened(name, voxceleb1=tmp_path).samples()
        assert same.labels == again.labels == ("yes",) and different.labels == ("no",)
        assert same.cluster == ("id10270",) and different.cluster == ("id10270", "id10300")
        assert same.id == "id10270/x6uYqmx31kE/00001 id10270/8jEAjG6SegY/00008" and again.id == f"{same.id} #2"
        length = soundfile.info(RECORDING).frames
        assert len(decode(same.clips[0], AudioPolicy()).samples) == 2 * length + 1_600


def test_voxceleb1_s_own_lists_and_a_line_that_is_no_trial(shared: Path, tmp_path: Path) -> None:
    formats = shared / "samples/formats/voxceleb1"
    shutil.copy(formats / "veri_test2.sample.txt", tmp_path / "veri_test2.txt")
    shutil.copy(formats / "veri_test.names_form.sample.txt", tmp_path / "veri_test.txt")
    items = list(opened("sv:voxceleb1-o-cleaned", voxceleb1=tmp_path).items())
    assert [item.sample.labels for item in items] == [("yes",), ("no",), ("no",)]
    assert items[2].sample.cluster == ("id10309", "id10296")
    (named,) = opened("sv:voxceleb1-o", voxceleb1=tmp_path).items()
    assert named.sample.cluster == ("Eartha_Kitt",)


def test_a_line_that_is_no_trial_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"veri_test.txt": TRIALS + "2 a b\n"})
    with pytest.raises(UsageError, match=r"veri_test\.txt:4: '2 a b'; expected 1 \(same\) or 0, and two files"):
        list(opened("sv:voxceleb1-o", voxceleb1=tmp_path).items())


def utterance(**changes: object) -> str:
    words = ["put", "meeting", "with", "pawel", "and", "mona", "for", "ten", "am"]
    row: dict[str, object] = {
        "slurp_id": 6744,
        "sentence": " ".join(words),
        "tokens": [{"surface": word, "id": place} for place, word in enumerate(words)],
        "recordings": [{"file": "audio-1.flac"}, {"file": "audio-2-headset.flac"}],
        "entities": [
            {"span": [3], "type": "person"},
            {"span": [5], "type": "person"},
            {"span": [7, 8], "type": "time"},
        ],
    }
    return json.dumps({**row, **changes}) + "\n"


def test_slurp_asks_each_recording_for_each_slot_type(tmp_path: Path) -> None:
    plain = utterance(slurp_id=1, entities=[], recordings=[{"file": "audio-9.flac"}])
    metadata = {"6744": {"recordings": {"audio-1.flac": {"usrid": "F-17"}, "audio-2-headset.flac": {"usrid": None}}}}
    write(
        tmp_path,
        {"dataset/slurp/test.jsonl": plain + utterance(), "dataset/slurp/metadata.json": json.dumps(metadata)},
    )
    clip(tmp_path / "audio/slurp_real/audio-1.flac")
    source = opened("sf:slurp-test", slurp=tmp_path)
    person, time = source.samples()
    assert (person.id, time.id) == ("audio-1/person", "audio-1/time")
    assert person.references == ("pawel", "mona") and time.references == ("ten am",)
    assert person.fields["slots"] == {"person": ["pawel", "mona"], "time": ["ten am"]}
    assert person.fields["slot"] == "person" and person.group == {"slot": "person"} and person.cluster == ("F-17",)
    assert source.absent() == ("audio-2-headset/person", "audio-2-headset/time")
    assert source.remarks() == ("test.jsonl has 2 utterances; SLURP's has 2,974",)


def test_slurp_s_faults_have_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, {"test.jsonl": utterance() + utterance(entities=[{"span": [9], "type": "date"}])})
    with pytest.raises(UsageError, match=r"test\.jsonl:2: slot 'date' spans tokens \[9\] of 9"):
        list(opened("sf:slurp-test", slurp=tmp_path).items())
    write(tmp_path, {"test.jsonl": utterance() + '{"slurp_id": 3}\n'})
    with pytest.raises(UsageError, match=r"test\.jsonl:2: not a valid utterance of SLURP: .*missing required field"):
        list(opened("sf:slurp-test", slurp=tmp_path).items())


def test_slurp_s_own_lines(shared: Path, tmp_path: Path) -> None:
    own = shared / "samples/formats/slurp/test.excerpt.jsonl"
    shutil.copy(own, tmp_path / "test.jsonl")
    rows = [json.loads(line) for line in own.read_text().splitlines()]
    items = list(opened("sf:slurp-test", slurp=tmp_path).items())
    expected = sum(len(row["recordings"]) * len({entity["type"] for entity in row["entities"]}) for row in rows)
    assert len(items) == expected
    first = items[0].sample
    assert (first.id, first.references) == ("audio-1497872916-headset/event_name", ("mona",))
    gold = (shared / "samples/formats/slurp/gold_hermit_predictions.excerpt.jsonl").read_text().splitlines()
    by_utterance = {row["slurp_id"]: row for row in map(json.loads, gold)}
    ten = [item.sample for item in items if item.sample.fields["transcript"].startswith("put meeting with pawel")]
    told = {(entity["type"], entity["filler"]) for entity in by_utterance["6744"]["entities"]}
    assert {(sample.fields["slot"], sample.references[0]) for sample in ten} == told
