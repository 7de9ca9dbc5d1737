"""Java programs are bounded, private, and never outlive the process that started them."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.scorers.captions import java
from salmonn_eval.scorers.captions.java import coco_folder
from salmonn_eval.scorers.captions.process import OWN_CLASSES, JavaFault, JavaProcess, LineTool, halved
from salmonn_eval.scorers.captions.ptb import PtbTokenizer

PTB = "edu.stanford.nlp.process.PTBTokenizer"
JAR = coco_folder() / "tokenizer" / "stanford-corenlp-3.4.1.jar"
START = """
import os, signal, sys, tempfile
from salmonn_eval.scorers.captions.ptb import PtbTokenizer
tokenizer = PtbTokenizer()
tokenizer.tokenize(["a dog barks"])
print(tokenizer._tool.process.pid, tokenizer._tool.folder, flush=True)
"""


def child(rest: str, temporary: Path) -> tuple[subprocess.Popen[str], int, Path]:
    """A Python process with a tokenizer running in it, the tokenizer's process id and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", START + rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    pid, folder = process.stdout.readline().split()
    return process, int(pid), Path(folder)


def wait_for_end(pid: int) -> None:
    """Until a process that is not our child has ended; pidfd tells without polling."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 60)
    os.close(descriptor)
    assert ended, "the Java process outlived its parent"


@pytest.mark.skipif(sys.platform != "linux", reason="watches processes by pidfd")
@pytest.mark.parametrize(
    ("rest", "number"),
    [
        ("sys.stdin.read()", signal.SIGKILL),
        ("sys.stdin.read()", signal.SIGINT),
        ("sys.stdin.read()", signal.SIGTERM),
        ("raise RuntimeError('crash')", None),
        ("os._exit(3)", None),
        ("", None),
    ],
    ids=["kill -9", "Ctrl-C", "SIGTERM", "exception", "hard exit", "forgotten"],
)
def test_no_java_process_is_left_behind(rest, number, tmp_path):
    process, pid, folder = child(rest, tmp_path)
    if number is not None:
        process.send_signal(number)
    process.wait(60)
    wait_for_end(pid)
    assert folder.parent == tmp_path
    if number in (None, signal.SIGINT) and "_exit" not in rest:
        assert not folder.exists()


def test_everything_is_written_to_a_private_folder_that_goes_with_the_process(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = sorted((file, file.stat().st_mtime_ns) for file in coco_folder().rglob("*"))
    tokenizer = PtbTokenizer()
    tokenizer.tokenize(["a dog barks"])
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    tokenizer.close()
    tokenizer.close()
    assert list(tmp_path.iterdir()) == []
    assert sorted((file, file.stat().st_mtime_ns) for file in coco_folder().rglob("*")) == before


def test_a_program_that_says_nothing_is_ended_after_its_time():
    tool = LineTool("the tokenizer", (PTB,), [JAR], 64)
    with pytest.raises(JavaFault, match=r"the tokenizer gave no answer within 0\.5 s"):
        list(tool.lines(b"a line without filler stays in its buffers\n", 0.5))
    assert tool.process.poll() is not None
    assert not tool.folder.exists()


def test_a_program_that_runs_out_of_its_heap_says_so():
    tool = LineTool("the tokenizer", (PTB,), [JAR], 16)
    with pytest.raises(JavaFault, match=r"the tokenizer ended \(it needs more than its 16 MB of memory"):
        list(tool.lines(b"z" * 20_000_000, 60))


def test_a_program_that_does_not_exist_says_so():
    process = JavaProcess("nothing", ("no.such.Program",), [JAR], 64)
    process.process.wait(60)
    assert "ClassNotFoundException" in str(process.fault("ended"))


def test_unwanted_java_settings_do_not_reach_the_program(monkeypatch):
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1k -XX:NoSuchOption")
    monkeypatch.setenv("CLASSPATH", "/nowhere")
    tokenizer = PtbTokenizer()
    assert tokenizer.tokenize(["A dog."]) == ["a dog"]
    tokenizer.close()


def test_the_java_of_the_environment_is_used_or_refused(monkeypatch):
    monkeypatch.setenv("SALMONN_EVAL_JAVA", "/no/such/java")
    with pytest.raises(PrerequisiteError, match="SALMONN_EVAL_JAVA is '/no/such/java', which is no program"):
        java.java()
    assert "SALMONN_EVAL_JAVA" in (java.lacks() or "")
    monkeypatch.delenv("SALMONN_EVAL_JAVA")
    named = java.java()
    monkeypatch.setenv("SALMONN_EVAL_JAVA", named)
    assert java.java() == named
    assert "version" in java.version()


def test_a_java_that_does_not_run_is_told_once_and_not_tried_again(monkeypatch, tmp_path):
    broken = tmp_path / "java"
    broken.write_text(f"#!/bin/sh\necho x >> {tmp_path}/starts\necho 'Error: no memory' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SALMONN_EVAL_JAVA", str(broken))
    tokenizer = PtbTokenizer()
    for _ in range(2):
        with pytest.raises(PrerequisiteError, match=r"the PTB tokenizer ended \(Error: no memory\)"):
            tokenizer.tokenize(["a dog"])
    assert (tmp_path / "starts").read_text() == "x\n"


def test_halving_finds_every_guilty_item():
    asked = []

    def work(items):
        asked.append(list(items))
        if any(item % 5 == 0 for item in items):
            raise JavaFault("ended")
        return [10 * item for item in items]

    found = halved(work, range(1, 13))
    assert [item if isinstance(item, int) else str(item) for item in found] == [
        10, 20, 30, 40, "ended", 60, 70, 80, 90, "ended", 110, 120,
    ]  # fmt: skip
    assert halved(work, []) == []
    assert [5] in asked and [10] in asked


@pytest.mark.slow
def test_the_shipped_classes_are_those_of_their_sources(tmp_path):
    """Compiled with `javac --release 8 -g:none`, by version 17: others may lay out the same class otherwise."""
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("needs javac 17, which a Java runtime does not have")
    told = subprocess.run([compiler, "-version"], capture_output=True, text=True, check=True)
    if not (told.stdout + told.stderr).startswith("javac 17"):
        pytest.skip(f"needs javac 17; this is {told.stdout.strip()}")
    sources = sorted(OWN_CLASSES.glob("*.java"))
    subprocess.run([compiler, "--release", "8", "-g:none", "-d", tmp_path, *sources], check=True, capture_output=True)
    compiled = {file.name: file.read_bytes() for file in tmp_path.glob("*.class")}
    assert compiled == {file.name: file.read_bytes() for file in OWN_CLASSES.glob("*.class")}
    assert len(compiled) == len(sources) == 2
