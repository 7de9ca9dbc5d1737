"""AudioCaps, Clotho and MusicCaps: captions joined by clip, clips found under the names that tools give them."""

import json
import shutil
from pathlib import Path

import pytest
from corpora_layouts import clip, definition, opened, write

from salmonn_eval.data.audio import decode
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.records import AudioPolicy

AUDIOCAPS = """\
audiocap_id,youtube_id,start_time,caption
103549,7fmOlUlwoNg,20,Constant rattling noise and sharp vibrations
103548,6BJ455B1aAs,0,A rocket flies by followed by a loud explosion and fire crackling as a truck engine runs idle
107201,7fmOlUlwoNg,20,Vibrations and rattling with people speaking in the distance
103542,VjSEIRnLAh8,30,"Food is frying, and a woman talks"
"""
MUSICCAPS = """\
ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval
-0Gj8-vB1q4,30,40,"/m/0140xf","['sad', 'ballad']","A ballad, ""sad"" and soulful.
It has a piano.",4,False,True
aaaaaaaaaaa,0,10,/m/04rlf,"['x']",In training.,4,False,False
-1LrH01Ei1w,30,40,"/m/02p0sh1,/m/04rlf","['rubab']",This song features a rubab.,0,False,True
"""
CLOTHO = """\
file_name,caption_1,caption_2,caption_3,caption_4,caption_5
20060810.peters.clock.wav,A clock ticks.,"Tick, tock.",It ticks on.,A hand ticks.,Ticking of a clock
ein fluß.wav,Water runs.,A stream.,It flows.,Flowing water.,A river
"""


def test_audiocaps_joins_the_captions_of_a_clip_in_the_file_s_order(tmp_path: Path) -> None:
    write(tmp_path, {"dataset/test.csv": AUDIOCAPS})
    clip(tmp_path / "clips/Y7fmOlUlwoNg.flac")
    clip(tmp_path / "more/VjSEIRnLAh8_30_40.flac")
    source = opened("aac:audiocaps-test", audiocaps=tmp_path)
    first, last = source.samples()
    assert first.id == "7fmOlUlwoNg"
    assert first.references == (
        "Constant rattling noise and sharp vibrations",
        "Vibrations and rattling with people speaking in the distance",
    )
    assert first.fields == {"caption": first.references[0]} and first.cluster == ()
    assert len(decode(first.clips[0], AudioPolicy()).samples) > 16_000
    assert last.references == ("Food is frying, and a woman talks",)
    assert source.absent() == ("6BJ455B1aAs",)
    assert source.remarks() == ("3 clips have another number of captions than 5; expected the whole file",)


def test_audiocaps_own_excerpt_has_eight_clips_of_five_captions(shared: Path, tmp_path: Path) -> None:
    shutil.copy(shared / "samples/formats/audiocaps/test.excerpt.csv", tmp_path / "test.csv")
    for task in ("aac", "story"):
        items = list(opened(f"{task}:audiocaps-test", audiocaps=tmp_path).items())
        assert len(items) == 8
        assert {len(item.sample.references) for item in items} == {5}
        assert items[0].sample.id == "7fmOlUlwoNg"
        assert items[1].sample.references[3] == "Whistling and an explosion"
    assert opened("aac:audiocaps-test", audiocaps=tmp_path).remarks() == ()


def test_a_video_at_two_times_and_a_time_that_is_none_are_said(tmp_path: Path) -> None:
    write(tmp_path, {"test.csv": AUDIOCAPS + "1,7fmOlUlwoNg,21,Other\n"})
    with pytest.raises(UsageError, match=r"test\.csv:6: 7fmOlUlwoNg starts at 21 s, but at 20 s in line 2"):
        list(opened("aac:audiocaps-test", audiocaps=tmp_path).items())
    write(tmp_path, {"test.csv": AUDIOCAPS + "1,b,soon,Other\n"})
    with pytest.raises(UsageError, match=r"test\.csv:6: start_time is 'soon'; expected whole seconds"):
        list(opened("aac:audiocaps-test", audiocaps=tmp_path).items())


def test_musiccaps_takes_the_evaluation_half_and_quoted_captions_over_two_lines(tmp_path: Path) -> None:
    write(tmp_path, {"musiccaps-public.csv": MUSICCAPS})
    clip(tmp_path / "wav/[-0Gj8-vB1q4]-[30-40].wav")
    source = opened("mc:musiccaps-eval", musiccaps=tmp_path)
    assert [(item.sample.id, item.line) for item in source.items()] == [("-0Gj8-vB1q4", 2), ("-1LrH01Ei1w", 5)]
    (sample,) = source.samples()
    assert sample.references == ('A ballad, "sad" and soulful.\nIt has a piano.',)
    assert sample.fields == {"caption": sample.references[0]}
    assert source.absent() == ("-1LrH01Ei1w",)


def test_musiccaps_own_excerpt(shared: Path, tmp_path: Path) -> None:
    shutil.copy(shared / "samples/formats/musiccaps/musiccaps-public.sample.csv", tmp_path / "musiccaps-public.csv")
    items = list(opened("mc:musiccaps-eval", musiccaps=tmp_path).items())
    # of its five rows, those that end in True
    assert [item.sample.id for item in items] == ["-0Gj8-vB1q4", "-0vPFx-wRRI", "-3Kv4fdm7Uk"]
    assert items[0].sample.references[0].startswith("The low quality recording features a ballad song")


def test_clotho_has_five_references_and_names_with_points_and_umlauts(tmp_path: Path) -> None:
    write(tmp_path, {"clotho_captions_evaluation.csv": CLOTHO})
    clip(tmp_path / "evaluation/20060810.peters.clock.flac")
    clip(tmp_path / "evaluation/ein fluß.flac")
    samples = list(opened("aac:clotho-evaluation", clotho=tmp_path).samples())
    assert [sample.id for sample in samples] == ["20060810.peters.clock", "ein fluß"]
    assert samples[0].references == (
        "A clock ticks.",
        "Tick, tock.",
        "It ticks on.",
        "A hand ticks.",
        "Ticking of a clock",
    )


def test_clotho_s_own_excerpt_and_clips(shared: Path, tmp_path: Path) -> None:
    formats = shared / "samples/formats/clotho.test_only"
    shutil.copy(formats / "clotho_captions_evaluation.excerpt.csv", tmp_path / "clotho_captions_evaluation.csv")
    annotation = (shared / "samples/annotations/clotho_eval.test_only.jsonl").read_text()
    rows = {row["labels"]["file_name"]: row for row in map(json.loads, annotation.splitlines())}
    for name, row in rows.items():
        shutil.copy(shared / "samples" / row["audio"], (tmp_path / name).with_suffix(".flac"))
    source = opened("aac:clotho-evaluation", clotho=tmp_path)
    assert len(list(source.items())) == 15
    samples = list(source.samples())
    assert len(samples) >= 5
    assert all(list(sample.references) == rows[f"{sample.id}.wav"]["refs"] for sample in samples)


@pytest.mark.parametrize(
    ("name", "corpus", "file"),
    [
        ("aac:audiocaps-test", "audiocaps", "test.csv"),
        ("mc:musiccaps-eval", "musiccaps", "musiccaps-public.csv"),
        ("aac:clotho-evaluation", "clotho", "clotho_captions_evaluation.csv"),
    ],
)
def test_what_is_not_there_is_named_with_its_place_and_the_flag(
    tmp_path: Path, name: str, corpus: str, file: str
) -> None:
    with pytest.raises(PrerequisiteError) as fault:
        opened(name, **{corpus: tmp_path})
    told = str(fault.value)
    assert file in told and f"--data {corpus}=DIR" in told and "https://" in told
    assert (definition(name).get or name).split()[0] in told
