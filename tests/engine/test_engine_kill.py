"""kill -9 at any moment, then the same command: the bytes of an undisturbed run; shards likewise."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from engine_runs import attempts, go, spec_of

from salmonn_eval.engine.rundir import RunDirectory, runs_under
from salmonn_eval.models.protocol import ModelCard

HERE = Path(__file__).resolve().parent
LINES = (5, 40)
KILLS = 20
OTHER = "asr.librispeech-test-other"


def stored(run: RunDirectory) -> dict[str, bytes]:
    """What must not differ by a byte; every file of `scores/`, so that nothing is left over there either."""
    files = [run.results, *sorted((run.path / "scores").iterdir())]
    return {file.name: file.read_bytes() for file in files}


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def assert_each_key_answered_once(run: RunDirectory, name: str) -> None:
    plan = [json.loads(line)["request"]["key"] for line in run.plan.read_bytes().splitlines()]
    successes = Counter(line["key"] for line in attempts(run, name) if line["finish"] != "error")
    assert successes == Counter(plan)
    assert len(plan) == 78


def test_killed_while_answering_and_continued_it_ends_as_if_undisturbed(
    tmp_path: Path, recorded_card: ModelCard
) -> None:
    undisturbed = go(spec_of(recorded_card), tmp_path / "undisturbed", score=True).run
    out = tmp_path / "disturbed"
    command = [sys.executable, str(HERE / "engine_slow_replay.py"), str(out), str(tmp_path / "answers.jsonl")]
    for lines in LINES:
        process = subprocess.Popen(command)
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.005)
            if sum(len(attempts(run)) for run in runs_under(out) if run.plan.exists()) >= lines:
                break
        assert process.poll() is None
        kill(process)
    (run,) = runs_under(out)
    assert run.read().status == "running"
    assert go(spec_of(recorded_card), out, score=True).run.path == run.path
    assert_each_key_answered_once(run, "asr.mini-real")
    assert stored(run) == stored(undisturbed)


@pytest.fixture(scope="module")
def librispeech(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 78 real utterances of test-other in LibriSpeech's own layout."""
    root = tmp_path_factory.mktemp("corpus") / "LibriSpeech"
    shutil.copytree(shared / "samples" / "formats" / "librispeech" / "test-other", root / "test-other")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for flac in sorted((shared / "samples" / "audio" / "librispeech_test_other").glob("*.flac")):
        speaker, chapter, _ = flac.stem.split("-")
        (root / "test-other" / speaker / chapter).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(flac, root / "test-other" / speaker / chapter / flac.name)
    return root.parent


@pytest.fixture(scope="module")
def whisper_command(librispeech: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A run of the tiny Whisper over the corpus; the folder of runs is still to be named."""
    checkpoint = tmp_path_factory.mktemp("whisper") / "tiny"
    sys.path.append(str(HERE.parent / "models"))
    from tiny_whisper import tiny_whisper

    tiny_whisper(checkpoint)
    return [
        *(sys.executable, "-m", "salmonn_eval", "run", "--tasks", "asr:librispeech-test-other"),
        *("--data", f"librispeech={librispeech}", "--model", "whisper", "--model-arg", f"ckpt={checkpoint}"),
        *("--generation", "max_new_tokens=8", "--generation", "num_beams=1"),
    ]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "SALMONN_EVAL_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_whisper_killed_twenty_times_at_random_moments(whisper_command: list[str], tmp_path: Path) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment(tmp_path)}
    subprocess.run([*whisper_command, "--out", str(tmp_path / "undisturbed")], check=True, **quiet)
    (undisturbed,) = runs_under(tmp_path / "undisturbed")
    expected = stored(undisturbed)
    draw = random.Random(20)
    out, kills, runs = tmp_path / "disturbed-0", 0, 0

    def start() -> subprocess.Popen[bytes]:
        batch = str(draw.choice((1, 2, 4, 8)))
        return subprocess.Popen([*whisper_command, "--out", str(out), "--batch-size", batch], **quiet)

    def finished() -> None:
        (run,) = runs_under(out)
        assert_each_key_answered_once(run, OTHER)
        assert stored(run) == expected

    while kills < KILLS:
        process = start()
        try:
            assert process.wait(timeout=draw.uniform(0.0, 9.0)) == 0
        except subprocess.TimeoutExpired:
            kill(process)
            kills += 1
        if any(run.read().status == "done" for run in runs_under(out)):
            finished()
            runs += 1  # not `kills`: a run may end undisturbed, and the next needs a folder of its own
            out = tmp_path / f"disturbed-{runs}"
    assert start().wait() == 0
    finished()


@pytest.mark.slow
def test_whisper_in_two_and_three_shards_gives_the_same_bytes(whisper_command: list[str], tmp_path: Path) -> None:
    def run(*words: str) -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment(tmp_path))

    run(*whisper_command, "--out", str(tmp_path / "one"))
    (whole,) = runs_under(tmp_path / "one")
    for count in (2, 3):
        folder = tmp_path / f"of-{count}"
        for index in range(1, count + 1):
            run(*whisper_command, "--run-dir", str(folder), "--shard", f"{index}/{count}")
        run(sys.executable, "-m", "salmonn_eval", "merge", str(folder))
        assert stored(RunDirectory(folder)) == stored(whole)
