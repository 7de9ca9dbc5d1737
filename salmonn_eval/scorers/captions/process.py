"""Java programs as child processes that are bounded, keep to a folder of their own, and end with their parent."""

import os
import re
import selectors
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from salmonn_eval.scorers.captions.java import java

OWN_CLASSES = Path(__file__).resolve().parent / "jvm"
_CHUNK = 1 << 16
_DYING_S = 10.0
_PROCESSORS = 2
"""What runs at once, whatever the machine has: memory is bounded by it too."""
_OUT_OF_MEMORY = 3
"""What a JVM ends with under ExitOnOutOfMemoryError."""
_FAULT_LINE = re.compile(r"^.*(?:Error|Exception).*$", re.MULTILINE)
# Settings that would change what the tools do, or make them talk where answers are expected.
_UNWANTED = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "NLP_PARSER")

Item = TypeVar("Item")
Result = TypeVar("Result")


class JavaFault(Exception):
    """A Java program ended, hung or answered nonsense; `str()` says which and why."""


class JavaProcess:
    """One running JVM, bounded to `heap_mb` of heap and two processors, in a temporary `folder` of its own.

    The folder starts with `files`; what the JVM writes goes there, and with it.

    It ends when it is closed, when nobody refers to it any more, or when this process ends in whatever way: the class
    `Attended` watches the pipe between them. It is out of reach of the terminal's Ctrl-C, which is its parent's
    business. `talks`: its standard output is read; else it is kept with standard error.
    """

    def __init__(
        self,
        name: str,
        main: Sequence[str],
        classpath: Sequence[Path],
        heap_mb: int,
        files: Mapping[str, str] | None = None,
        *,
        talks: bool = False,
    ) -> None:
        program = java()
        self.name = name
        self._heap_mb = heap_mb
        self.folder = folder = Path(tempfile.mkdtemp(prefix="salmonn-eval-java-"))
        for file, text in (files or {}).items():
            (folder / file).write_text(text, "utf-8")
        self._errors = folder / "stderr"
        environment = {key: value for key, value in os.environ.items() if key not in _UNWANTED}
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    program,
                    f"-Xmx{heap_mb}m",
                    f"-XX:ActiveProcessorCount={_PROCESSORS}",
                    "-XX:+UseSerialGC",
                    "-XX:+ExitOnOutOfMemoryError",
                    "-XX:-UsePerfData",
                    f"-XX:ErrorFile={folder / 'crash'}",
                    f"-Djava.io.tmpdir={folder}",
                    "-Dfile.encoding=UTF-8",
                    "-cp",
                    os.pathsep.join(str(place) for place in (OWN_CLASSES, *classpath)),
                    "Attended",
                    *main,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else errors,
                stderr=errors,
                bufsize=0,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        self._end = weakref.finalize(self, _end, self.process, folder, os.getpid())

    def fault(self, what: str) -> JavaFault:
        """The fault of a process that did not do its work; ends it."""
        try:
            code = self.process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        telling = _FAULT_LINE.search(self._errors.read_text("utf-8", errors="replace"))
        reason = telling.group().strip() if telling else f"exit {code}"
        if code == _OUT_OF_MEMORY:
            reason = f"it needs more than its {self._heap_mb} MB of memory"
        self.close()
        return JavaFault(f"{self.name} {what} ({reason[:300]})")

    def close(self) -> None:
        """Kill the process and remove its folder."""
        self._end()


def _end(process: subprocess.Popen[bytes], folder: Path, owner: int) -> None:
    if os.getpid() != owner:  # a fork that ends does not take its parent's tools with it
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    shutil.rmtree(folder, ignore_errors=True)


class LineTool(JavaProcess):
    """A Java program that answers lines with lines."""

    def __init__(self, name: str, main: Sequence[str], classpath: Sequence[Path], heap_mb: int) -> None:
        super().__init__(name, main, classpath, heap_mb, talks=True)
        assert self.process.stdin is not None and self.process.stdout is not None, "both are pipes"
        self._unsent = bytearray()
        self._received = bytearray()
        self._input = self.process.stdin.fileno()
        self._output = self.process.stdout.fileno()
        os.set_blocking(self._input, False)

    def lines(self, request: bytes, quiet_s: float) -> Iterator[bytes]:
        """Send `request` while reading; yield answer lines for as long as the caller wants more.

        What is not sent when the caller stops goes out with the next request. Raises JavaFault when the program ends,
        or says nothing for `quiet_s` seconds.
        """
        self._unsent += request
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._input, selectors.EVENT_WRITE)
            while True:
                end = self._received.find(b"\n")
                if end >= 0:
                    line = bytes(self._received[:end])
                    del self._received[: end + 1]
                    yield line
                else:
                    self._exchange(selector, quiet_s)

    def _exchange(self, selector: selectors.BaseSelector, quiet_s: float) -> None:
        if not self._unsent and self._input in selector.get_map():
            selector.unregister(self._input)
        ready = [key.fd for key, _ in selector.select(quiet_s)]
        if not ready:
            self.process.kill()
            raise self.fault(f"gave no answer within {quiet_s:g} s")
        if self._input in ready:
            try:
                del self._unsent[: os.write(self._input, self._unsent[:_CHUNK])]
            except BrokenPipeError:
                selector.unregister(self._input)
                self._unsent.clear()
        if self._output in ready:
            chunk = os.read(self._output, _CHUNK)
            if not chunk:
                raise self.fault("ended")
            self._received += chunk


def halved(work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> list[Result | JavaFault]:
    """Results of `work`, which may raise JavaFault for a whole batch: the batch is halved until the guilty is alone."""
    if not items:
        return []
    try:
        return list(work(items))
    except JavaFault as fault:
        if len(items) == 1:
            return [fault]
    middle = len(items) // 2
    return halved(work, items[:middle]) + halved(work, items[middle:])
