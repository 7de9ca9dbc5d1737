"""Training examples from the release's annotations and from manifests, and the files that ship."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from salmonn_eval.bundled import bundled
from salmonn_eval.records import AudioPolicy
from salmonn_eval.training.config import Activation, DataList, Network, Stage, TrainConfig, read_config
from salmonn_eval.training.examples import FileExamples
from salmonn_eval.training.schedule import rate
from salmonn_eval.training.stories import fault
from salmonn_eval.training.survey import survey

CLIPS = sorted((bundled("tasks") / "mini-real" / "audio").glob("*.flac"))[:3]
STORY = "the rain falls on the old town and nobody is awake yet but one " * 4 + "child who listens"


def examples(folder: Path, *lists: DataList, instructions: str | None = None) -> FileExamples:
    """Of the given lists."""
    config = TrainConfig("instruct", Network(folder="n"), lists, 1, instructions=instructions)
    return FileExamples(config, folder / "stage.yaml", AudioPolicy(max_s=30))


@pytest.fixture
def annotation(tmp_path: Path) -> Path:
    """As the release writes them: absolute paths of another machine, task keys, a joined clip, a question."""
    entries = [
        {"path": f"/nas/speech/{CLIPS[0].name}", "text": "you are silly", "task": "asr"},
        {
            "path": f"/nas/speech/{CLIPS[1].name}",
            "text": "yes",
            "task": "speaker_verification",
            "expand_wav": [f"/nas/speech/{CLIPS[2].name}"],
        },
        {"path": f"/nas/speech/{CLIPS[2].name}", "text": "a man", "task": "QA", "Q": "Who is talking?"},
        {"path": "/nas/speech/away.flac", "text": "lost", "task": "asr"},
    ]
    path = tmp_path / "stage2.json"
    path.write_text(json.dumps({"annotation": entries}))
    return path


def test_annotations_of_the_release_are_read_as_they_are(annotation: Path) -> None:
    found = examples(annotation.parent, DataList(annotation=annotation.name, audio=str(CLIPS[0].parent)))
    assert found.facts()["lists"][0] | {"file": ""} == {"file": "", "examples": 3, "left_out": 0, "without_audio": 1}
    drawn = found.draw(Random(1), 60)
    assert {(one.task, one.instruction, one.target) for one in drawn} == {
        ("asr", "Recognize the speech and give me the transcription.", "you are silly"),
        ("sv", "Do you only hear the same person talking? Answer yes or no.", "yes"),
        (drawn_task(drawn, "a man"), "Who is talking?", "a man"),
    }
    seconds = {one.target: len(found.wave(one.clip)) / 16_000 for one in drawn}
    assert seconds["yes"] > seconds["a man"] + 0.1  # two files with a tenth of a second between them


def drawn_task(drawn: list, target: str) -> str:
    """The task of the example with this answer."""
    return next(one.task for one in drawn if one.target == target)


def test_lists_are_drawn_by_weight(tmp_path: Path) -> None:
    for name, clip in zip(("a", "b"), CLIPS, strict=False):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name, "audio": str(clip), "text": name}) + "\n")
    found = examples(
        tmp_path,
        DataList(manifest="a.jsonl", task="asr", weight=3.0),
        DataList(manifest="b.jsonl", task="asr", weight=1.0),
    )
    counts = Counter(one.target for one in found.draw(Random(1), 4000))
    assert counts["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert found.draw(Random(5), 9) == found.draw(Random(5), 9)


def test_wordings_come_from_yaml_or_from_the_releases_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "a", "audio": str(CLIPS[0]), "text": "a"}) + "\n")
    (tmp_path / "ours.yaml").write_text("asr: [Write it down., What is said?]\n")
    mark = "<Speech><SpeechHere></Speech> "
    (tmp_path / "train_prompt.json").write_text(json.dumps({"asr": [f"{mark}Say it again.", f"{mark}Transcribe it."]}))
    entry = DataList(manifest="a.jsonl", task="asr")
    for file, wordings in (
        ("ours.yaml", {"Write it down.", "What is said?"}),
        ("train_prompt.json", {"Say it again.", "Transcribe it."}),
    ):
        drawn = examples(tmp_path, entry, instructions=file).draw(Random(2), 40)
        assert {one.instruction for one in drawn} == wordings


def test_long_clips_and_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "audio": str(CLIPS[0]), "text": "short", "duration_s": 2.0},
        {"id": "b", "audio": str(CLIPS[1]), "text": "short", "duration_s": 200.0},
        {"id": "c", "audio": str(CLIPS[2]), "text": "far too long an answer", "duration_s": 2.0},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = examples(tmp_path, DataList(manifest="a.jsonl", task="asr", max_s=180.0, max_characters=10))
    assert (len(found), found.facts()["lists"][0]["left_out"]) == (1, 2)


@pytest.mark.parametrize("stage", ["pretrain", "instruct", "activate"])
def test_the_papers_stages_ship_and_say_what_they_lack(stage: Stage) -> None:
    file = bundled("model") / "training" / f"salmonn-{stage}.yaml"
    config = read_config(file, stage)
    assert config.optimiser.weight_decay == 0.05
    lines = list(survey(file, stage))
    assert sum(line.startswith("missing:") for line in lines) == len(config.data)
    assert any("is missing" in line for line in lines)


def test_the_rate_warms_up_and_falls_as_the_paper_says() -> None:
    settings = read_config(bundled("model") / "training" / "salmonn-pretrain.yaml", "pretrain").optimiser
    assert rate(settings, 90_000, 0) == 1e-6
    assert rate(settings, 90_000, 1_500) == pytest.approx((1e-6 + 3e-5) / 2)
    assert rate(settings, 90_000, 3_000) == pytest.approx(3e-5)
    assert rate(settings, 90_000, 46_500) == pytest.approx(2e-5, rel=1e-3)
    assert rate(settings, 90_000, 89_999) == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("text", "ended", "why_not"),
    [
        (STORY, True, None),
        ("", True, "empty"),
        ("a short one", True, "fewer than 50 words"),
        (STORY + " more of it", False, "cut off"),
        ("it went on and on " * 20, True, "repeats itself"),
        (STORY.replace("rain", "snow"), True, "written before"),
    ],
)
def test_why_a_story_is_left_out(text: str, ended: bool, why_not: str | None) -> None:
    earlier = [STORY.replace("rain", "snow")]
    assert fault(_varied(text), [_varied(one) for one in earlier], Activation(), ended=ended) == why_not


def _varied(text: str) -> str:
    """The same with a number at every twelfth word, so that nothing but the on-and-on repeats."""
    if text.startswith("it went"):
        return text
    return " ".join(word if n % 3 else f"{word}{n}" for n, word in enumerate(text.split()))
