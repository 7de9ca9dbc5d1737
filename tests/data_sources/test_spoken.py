"""Speech for Inspec and WikiQA: made once, resumed, and named in the protocol."""

import shutil
import stat
from pathlib import Path

import pytest
import soundfile
from corpora_layouts import RECORDING, definition, opened, write

from salmonn_eval.data.speech.engines import engine, recordings
from salmonn_eval.data.speech.prepare import Prepared, make, template
from salmonn_eval.errors import PrerequisiteError, UsageError

WIKIQA = """\
QuestionID\tQuestion\tDocumentID\tDocumentTitle\tSentenceID\tSentence\tLabel
Q4\thow a "water pump" works\tD4\tPump\tD4-0\tA small pump\t0
Q4\thow a "water pump" works\tD4\tPump\tD4-1\tPumps operate by some mechanism.\t1
Q20\thow old was sue lyon\tD20\tLolita\tD20-0\tLolita is a film.\t0
"""
_OFFSETS = "<CharacterOffsetBegin>{}</CharacterOffsetBegin><CharacterOffsetEnd>{}</CharacterOffsetEnd>"
_TOKEN = "<token><word>{}</word>" + _OFFSETS + "</token>"
TOKENS = "\n".join(
    [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<root><document><sentences><sentence id="1"><tokens>',
        _TOKEN.format("Cellular", 0, 8),
        _TOKEN.format("-LRB-", 9, 10),
        _TOKEN.format("automata", 10, 18),
        _TOKEN.format("-RRB-", 18, 19),
        _TOKEN.format(".", 19, 20),
        "</tokens></sentence></sentences></document></root>",
    ]
)
KEYS = '{"1955": [["cellular automata"], ["chemotaxis", "chemotactic"]]}'


def quiet(count: int, of: int) -> None:
    pass


@pytest.fixture
def wikiqa(tmp_path: Path) -> Path:
    return write(tmp_path / "text", {"WikiQA-test.tsv": WIKIQA})


@pytest.fixture
def speaker(tmp_path: Path) -> Path:
    """A program that "speaks" by copying a real recording, and notes each text that it was given."""
    program = tmp_path / "speaker"
    program.write_text(f'#!/bin/sh\ntext=$(cat); echo "$text" >> "{tmp_path}/said"; cp "{RECORDING}" "$1"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def prepare(text: Path, out: Path, tts: str, voice: str | None = "ann", name: str = "sqqa:wikiqa-test") -> Prepared:
    return make(definition(name), text, engine(tts, voice), out, workers=2, progress=quiet)


def test_a_command_speaks_each_text_once_and_the_test_set_reads_what_it_said(
    wikiqa: Path, speaker: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = prepare(wikiqa, out, f"{speaker} {{out}}")
    assert (done.made, done.kept) == (2, 0)
    assert sorted((tmp_path / "said").read_text().split("\n")[:-1]) == [
        'how a "water pump" works',
        "how old was sue lyon",
    ]
    source = opened("sqqa:wikiqa-test", wikiqa=out)
    first, second = source.samples()
    assert first.id == "Q4" and first.fields["transcript"] == 'how a "water pump" works'
    assert first.references == ("Pumps operate by some mechanism.",) and second.references == ()
    assert source.protocol == (("speech", "speaker.ann"),)
    heard, rate = soundfile.read(str(first.clips[0].parts[0].path), dtype="int16")
    assert rate == 16_000 and (heard == soundfile.read(RECORDING, dtype="int16")[0]).all()
    done = prepare(wikiqa, out, f"{speaker} {{out}}")
    assert (done.made, done.kept) == (0, 2)


def test_what_was_interrupted_goes_on_and_a_changed_text_is_spoken_again(
    wikiqa: Path, speaker: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    prepare(wikiqa, out, f"{speaker} {{out}}")
    before = opened("sqqa:wikiqa-test", wikiqa=out).fingerprint()
    next((out / "audio").glob("Q20-*.flac")).unlink()
    assert prepare(wikiqa, out, f"{speaker} {{out}}").made == 1
    assert opened("sqqa:wikiqa-test", wikiqa=out).fingerprint() == before
    write(wikiqa, {"WikiQA-test.tsv": WIKIQA.replace("how old was", "how tall was")})
    assert prepare(wikiqa, out, f"{speaker} {{out}}").made == 1
    assert not list((out / "audio").glob("*.part.*"))


def test_an_engine_that_fails_leaves_no_manifest_and_says_why(wikiqa: Path, tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho no such voice >&2; exit 3\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match=r"broken: no speech for 'how .*' \(no such voice\)"):
        prepare(wikiqa, tmp_path / "out", f"{program} {{out}}")
    assert not (tmp_path / "out/wikiqa-test.jsonl").exists()
    program.write_text('#!/bin/sh\necho text > "$1"\n')
    with pytest.raises(UsageError, match="what it wrote is not audio"):
        prepare(wikiqa, tmp_path / "out", f"{program} {{out}}")


@pytest.mark.parametrize(
    ("tts", "voice", "told"),
    [
        ("cat", "a", "does not say where the audio goes"),
        ("cat {out}", None, "expected --voice NAME"),
        ("'cat {out}", "a", "No closing quotation"),
    ],
)
def test_a_command_that_cannot_work_is_refused(tts: str, voice: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        engine(tts, voice)
    with pytest.raises(PrerequisiteError, match="no such program"):
        engine("no-such-engine {out}", "a")


def test_one_folder_has_one_voice(wikiqa: Path, speaker: Path, tmp_path: Path) -> None:
    prepare(wikiqa, tmp_path / "out", f"{speaker} {{out}}")
    with pytest.raises(UsageError, match=r"speaks with speaker\.ann already, not speaker\.bob"):
        prepare(wikiqa, tmp_path / "out", f"{speaker} {{out}}", voice="bob")


def test_recordings_of_one_s_own_take_the_manifest_s_names(wikiqa: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    template(definition("sqqa:wikiqa-test"), wikiqa, recordings("jane doe"), out)
    source = opened("sqqa:wikiqa-test", wikiqa=out)
    assert source.absent() == ("Q4", "Q20")
    shutil.copy(RECORDING, out / "audio/Q4.wav")
    assert [sample.id for sample in source.samples()] == ["Q4"]
    assert source.protocol == (("speech", "recordings.jane-doe"),)


def test_text_without_speech_says_what_to_type(wikiqa: Path) -> None:
    with pytest.raises(PrerequisiteError, match=r"the 2 texts of wikiqa are there.*salmonn-eval prepare wikiqa --tts"):
        opened("sqqa:wikiqa-test", wikiqa=wikiqa)
    write(wikiqa, {"WikiQA-test.tsv": WIKIQA.replace("\t1\n", "\tyes\n")})
    with pytest.raises(UsageError, match=r"WikiQA-test\.tsv:3: Label is 'yes'; expected 1"):
        opened("sqqa:wikiqa-test", wikiqa=wikiqa)
    write(wikiqa, {"WikiQA-test.tsv": WIKIQA + "Q4\twho\tD4\tPump\tD4-2\tNo.\t0\n"})
    with pytest.raises(UsageError, match=r"WikiQA-test\.tsv:5: Q4 asks 'who', but .* in line 2"):
        opened("sqqa:wikiqa-test", wikiqa=wikiqa)


def test_inspec_s_two_distributions_give_text_and_keys(speaker: Path, tmp_path: Path) -> None:
    ake = write(tmp_path / "ake", {"references/test.uncontr.json": KEYS, "test/1955.xml": TOKENS})
    own = write(
        tmp_path / "own",
        {
            "Test/1955.abstr": "Cellular\r\n\t(automata).\r\n",
            "Test/1955.uncontr": "cellular automata; chemo-\r\n\ttaxis",
        },
    )
    for text, second in ((ake, "chemotaxis"), (own, "chemo- taxis")):
        out = tmp_path / f"{text.name}-speech"
        prepare(text, out, f"{speaker} {{out}}", name="ke:inspec-test")
        (sample,) = opened("ke:inspec-test", inspec=out).samples()
        assert sample.id == "1955" and sample.fields["transcript"] == "Cellular (automata)."
        assert sample.references == ("cellular automata", second)
    (ake / "test/1955.xml").write_text(TOKENS.replace("</tokens>", ""))
    with pytest.raises(UsageError, match=r"1955\.xml:\d+: not valid XML"):
        opened("ke:inspec-test", inspec=ake)
    (ake / "test/1955.xml").unlink()
    with pytest.raises(PrerequisiteError, match=r"1955\.xml: no such file; expected the text of document 1955"):
        opened("ke:inspec-test", inspec=ake)


def test_inspec_s_own_document_and_wikiqa_s_own_questions(shared: Path, speaker: Path, tmp_path: Path) -> None:
    formats = shared / "samples/formats"
    (tmp_path / "inspec/test").mkdir(parents=True)
    (tmp_path / "inspec/references").mkdir()
    keys = (formats / "inspec.test_only/test.uncontr.sample.json").read_text()
    first = formats / "inspec.test_only/1955.first_sentence.xml"
    for name in ("1930", "1943", "1955"):
        shutil.copy(first, tmp_path / f"inspec/test/{name}.xml")
    (tmp_path / "inspec/references/test.uncontr.json").write_text(keys)
    prepare(tmp_path / "inspec", tmp_path / "a", f"{speaker} {{out}}", name="ke:inspec-test")
    samples = {sample.id: sample for sample in opened("ke:inspec-test", inspec=tmp_path / "a").samples()}
    assert samples["1955"].references[:2] == ("evacuation processes simulation", "chemotaxis")
    assert len(samples["1930"].references) == 8
    told = (
        "Simulation of evacuation processes using a bionics-inspired cellular automaton model for pedestrian dynamics"
    )
    assert samples["1955"].fields["transcript"].startswith(told)
    (tmp_path / "wiki").mkdir()
    shutil.copy(formats / "wikiqa.test_only/WikiQA-test.sample.tsv", tmp_path / "wiki/WikiQA-test.tsv")
    prepare(tmp_path / "wiki", tmp_path / "b", f"{speaker} {{out}}")
    questions = {sample.id: sample for sample in opened("sqqa:wikiqa-test", wikiqa=tmp_path / "b").samples()}
    assert set(questions) == {"Q0", "Q4", "Q20"}
    assert questions["Q0"].references == () and len(questions["Q4"].references) == 1


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_espeak_ng_says_the_words(wikiqa: Path, tmp_path: Path) -> None:
    done = prepare(wikiqa, tmp_path / "out", "espeak-ng", voice=None)
    source = opened("sqqa:wikiqa-test", wikiqa=tmp_path / "out")
    assert done.made == 2 and 2 < done.seconds < 8
    assert source.protocol[0][1].startswith("espeak-ng-1.") and source.protocol[0][1].endswith(".en-us")
    longer, shorter = (soundfile.info(str(s.clips[0].parts[0].path)).duration for s in source.samples())
    assert longer != shorter
