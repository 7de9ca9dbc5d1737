"""Bad audio, bad text, bad disks: one sentence each, the right code, and the other samples done."""

import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from cli_runs import MINI_REAL, Program, Row, last_sentence, mini_real

GOOD = MINI_REAL / mini_real()[0]["audio"]
RATE = 16_000


def good(path: Path) -> None:
    shutil.copyfile(GOOD, path)


def truncated(path: Path) -> None:
    path.write_bytes(GOOD.read_bytes()[: GOOD.stat().st_size // 2])


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("This is no sound.\n" * 100)


def eight_channels(path: Path) -> None:
    sound, _ = soundfile.read(GOOD)
    soundfile.write(path, np.stack([sound] * 8, axis=1), RATE)


def not_a_number(path: Path) -> None:
    sound, _ = soundfile.read(GOOD, dtype="float32")
    sound[1_000] = np.nan
    soundfile.write(path, sound, RATE, subtype="FLOAT")


def ten_milliseconds(path: Path) -> None:
    sound, _ = soundfile.read(GOOD)
    soundfile.write(path, sound[:160], RATE)


def forty_minutes(path: Path) -> None:
    sound, _ = soundfile.read(GOOD)
    soundfile.write(path, np.resize(sound[::2], 40 * 60 * RATE // 2), RATE // 2, subtype="PCM_U8")


HEARD: dict[str, tuple[Callable[[Path], None], str]] = {
    "good.flac": (good, "i heard 2.83 seconds"),
    "eight.wav": (eight_channels, "i heard 2.83 seconds"),
    "short.wav": (ten_milliseconds, "i heard 0.01 seconds"),
    "long.wav": (forty_minutes, "i heard 30.00 seconds"),
}
FAULTY: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated.flac": (truncated, "damaged or truncated audio"),
    "empty.flac": (empty, "empty file (0 bytes)"),
    "text.wav": (text, "not audio that can be read"),
    "nan.wav": (not_a_number, "frame 1000 is NaN or infinite"),
}


def test_each_bad_clip_costs_itself_alone_and_the_run_is_incomplete(program: Program) -> None:
    made = {**HEARD, **FAULTY}
    audio = program.folder / "tasks"
    audio.mkdir()
    for name, (make, _) in made.items():
        make(audio / name)
    rows: list[Row] = [{"id": name, "audio": name, "references": ["so it was"]} for name in [*made, "missing.flac"]]
    done = program("run", *program.task(rows), *program.listener("--json", "--out", "runs"))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "incomplete: 4 of 8 samples failed" in done.stderr
    outcome = json.loads(done.stdout)
    folder = Path(outcome["run"])
    if not folder.is_absolute():
        folder = program.folder / folder
    plan = {row["key"]: row["sample_id"] for row in map(json.loads, read(folder / "plan.jsonl", "request"))}
    answers = {plan[line["key"]]: line for line in map(json.loads, read(folder / "predictions" / "mine.set.jsonl"))}
    assert set(answers) == set(made)
    for name, (_, answer) in HEARD.items():
        assert answers[name]["text"] == answer
    for name, (_, why) in FAULTY.items():
        assert answers[name]["text"] is None
        assert why in answers[name]["error"]
        assert name in answers[name]["error"]
        assert "\n" not in answers[name]["error"]
    assert answers["long.wav"]["cut_s"] == pytest.approx(40 * 60 - 30)
    (value,) = (v for v in outcome["results"] if v["metric"] == "wer" and v["reading"] == "all")
    assert (value["n_planned"], value["n_scored"], value["n_error"]) == (8, 4, 4)
    (state,) = json.loads((folder / "run.json").read_bytes())["plan"]
    assert (state["n_total"], state["n_absent"], state["n_planned"]) == (9, 1, 8)


def read(path: Path, field: str | None = None) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.dumps(json.loads(line)[field]) for line in lines] if field else lines


def test_a_repeated_id_names_both_lines(program: Program, typed: Any) -> None:
    rows = [{"id": "same", "references": ["a"]}, {"id": "other", "references": ["b"]}, {"id": "same"}]
    code, _, err = typed("predict", *program.task(rows), *program.replay([]))
    assert code == 2
    manifest = program.folder / "tasks" / "mine.jsonl"
    assert err.startswith(f"error: {manifest}:3: id 'same' stands already in {manifest}:1")


def test_text_that_is_not_utf8_names_its_line(program: Program, typed: Any) -> None:
    words = program.task([{"id": "one", "references": ["a"]}])
    manifest = program.folder / "tasks" / "mine.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"id": "two", "references": ["caf\xe9"]}\n')
    code, _, err = typed("predict", *words, *program.replay([]))
    assert code == 2
    assert err.startswith(f"error: {manifest}:2: not a valid manifest line")


def test_a_megabyte_of_instruction_is_asked_and_never_printed(program: Program) -> None:
    words = program.task([{"id": "one", "references": ["a"]}])
    file = program.folder / "tasks" / "mine.yaml"
    file.write_text(file.read_text().replace("Write what is said.", "Write it down. " * 70_000))
    done = program("predict", *words, *program.listener())
    assert done.returncode == 0, done.stderr[-500:]
    assert len(done.stdout) + len(done.stderr) < 2_000


def test_a_folder_that_cannot_be_made_is_a_usage_error(program: Program, typed: Any) -> None:
    (program.folder / "file").touch()
    code, _, err = typed("predict", "--tasks", "asr", *program.replay([]), "--out", "file/runs")
    assert code == 2
    assert "cannot be created (Not a directory); give a writable folder with --out" in err


def capped(size: int) -> Callable[[], None]:
    """No file may grow beyond this: writes fail half-way, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_disk_that_takes_no_more_answers_is_incomplete_and_the_run_goes_on_later(program: Program) -> None:
    rows = [{"id": row["id"], "prediction": row["references"][0] + " and so on" * 500} for row in mini_real()]
    words = ["predict", "--tasks", "asr", *program.replay(rows), "--out", "runs"]
    done = program(*words, preexec_fn=capped(200_000))
    assert done.returncode == 3
    assert "cannot be written (File too large)" in last_sentence(done)
    (folder,) = (program.folder / "runs").iterdir()
    answers = folder / "predictions" / "asr.mini-real.jsonl"
    assert 0 < answers.stat().st_size <= 200_000
    again = program(*words)
    assert again.returncode == 0
    lines = answers.read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == 78
    assert [path.name for path in (program.folder / "runs").iterdir()] == [folder.name]


@pytest.mark.parametrize("size", [20_000, pytest.param(2_000, marks=pytest.mark.slow)])
def test_a_disk_too_small_for_the_plan_is_incomplete_too(program: Program, size: int) -> None:
    done = program("predict", "--tasks", "asr", *program.listener(), preexec_fn=capped(size))
    assert done.returncode == 3
    assert "cannot be written (File too large)" in last_sentence(done)
    assert not list(program.folder.rglob("*.tmp"))


def test_an_answers_file_with_a_broken_line_names_it(program: Program, typed: Any) -> None:
    code, _, err = typed("predict", "--tasks", "asr", *program.replay([{"id": "a", "prediction": "b"}, {"id": "c"}]))
    assert code == 2
    assert "answers.jsonl:2: no answer" in err


def test_folders_of_probe_and_prepare_that_cannot_be_made(typed: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = f"{Path('file/x')}: cannot be created (Not a directory); give a writable folder with --out"
    done = typed("probe", "--tasks", "sf", "--limit", "1", "--parts", "likelihood", "--out", "file/x")
    assert (done.code, said in done.err) == (2, True), done.err
    texts = tmp_path / "texts"
    texts.mkdir()
    header = "QuestionID\tQuestion\tDocumentID\tDocumentTitle\tSentenceID\tSentence\tLabel\n"
    (texts / "WikiQA-test.tsv").write_text(header + "Q0\twhere is rome\tD0\tRome\tD0-0\tRome is in Italy.\t1\n")
    for tts in (["--tts", "recordings", "--voice", "ann"], ["--tts", "cp x {out}", "--voice", "ann"]):
        done = typed("prepare", "wikiqa", *tts, "--data", f"wikiqa={texts}", "--out", "file/x")
        assert (done.code, said in done.err) == (2, True), done.err


def test_scales_that_are_no_numbers_are_named_by_the_option_that_was_typed(typed: Callable[..., Any]) -> None:
    for command, option in (("run", "--lora-scale"), ("sweep", "--lora-scales"), ("probe", "--lora-scales")):
        done = typed(command, "--tasks", "sf", option, "one")
        assert done.code == 2
        assert f"{option} one: expected a number" in done.err
