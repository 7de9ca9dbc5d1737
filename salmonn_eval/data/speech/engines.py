"""Text-to-speech engines: programs of the user's machine, started without a shell."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from salmonn_eval.data.speech.spoken import Voice
from salmonn_eval.errors import PrerequisiteError, UsageError

ESPEAK = "espeak-ng"
RECORDINGS = "recordings"
_DEFAULT_VOICE = "en-us"
_ESPEAK_VERSION = re.compile(r"(\d+(?:\.\d+)+)")
_SAFE = re.compile(r"[^A-Za-z0-9.+_-]+")
# What a run of a command line may contain beside words; `{text}` absent: the text goes to standard input.
_OUT, _TEXT = "{out}", "{text}"
_LONGEST_S = 600


class Engine(Struct, frozen=True):
    """A program that speaks: its words, in which `{out}` and `{text}` stand for the file and the text."""

    words: tuple[str, ...]
    voice: Voice

    def speak(self, text: str, out: Path) -> None:
        """Write `text` as audio to `out`; UsageError, with what the program said, when it fails."""
        words = [word.replace(_OUT, str(out)).replace(_TEXT, text) for word in self.words]
        heard = None if any(_TEXT in word for word in self.words) else text.encode()
        try:
            done = subprocess.run(words, input=heard, capture_output=True, timeout=_LONGEST_S, check=False)
        except subprocess.TimeoutExpired as fault:
            raise UsageError(f"{self.words[0]}: no speech after {_LONGEST_S} s for {text[:60]!r}") from fault
        if done.returncode or not out.is_file() or not out.stat().st_size:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            told = (
                said[-1] if said else f"exit code {done.returncode}, {'an empty file' if out.exists() else 'no file'}"
            )
            raise UsageError(f"{self.words[0]}: no speech for {text[:60]!r} ({told}); expected audio in {_OUT}")


def engine(tts: str, voice: str | None) -> Engine:
    """The engine that `--tts` names: `espeak-ng`, or a command line with `{out}` (and `{text}`, else standard input).

    Raises UsageError for a command without `{out}` or without `--voice`, PrerequisiteError for a program that is not
    installed.
    """
    if tts == ESPEAK:
        name = voice or _DEFAULT_VOICE
        return Engine((_program(ESPEAK), "-v", name, "--stdin", "-w", _OUT), Voice(_espeak_version(), _safe(name)))
    words = _words(tts)
    if not any(_OUT in word for word in words):
        raise UsageError(
            f"--tts {tts}: the command does not say where the audio goes; expected {_OUT} in it (and {_TEXT}, or the "
            "text is given on standard input), or espeak-ng, or recordings"
        )
    if not voice:
        raise UsageError(f"--tts {tts}: expected --voice NAME beside it: the voice stands in every signature")
    return Engine((_program(words[0]), *words[1:]), Voice(_safe(Path(words[0]).name), _safe(voice)))


def recordings(voice: str | None) -> Voice:
    """The user's own recordings: nobody is started; `voice` says whose they are."""
    return Voice(RECORDINGS, _safe(voice or "own"))


def _words(tts: str) -> Sequence[str]:
    try:
        words = shlex.split(tts)
    except ValueError as fault:
        raise UsageError(f"--tts {tts}: {fault}; expected a command line") from fault
    if not words:
        raise UsageError("--tts is empty; expected espeak-ng, recordings or a command line")
    return words


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise PrerequisiteError(
            f"{name}: no such program; expected a text-to-speech engine: install it, or name another"
        )
    return found


def _espeak_version() -> str:
    told = subprocess.run([_program(ESPEAK), "--version"], capture_output=True, text=True, check=False).stdout
    version = _ESPEAK_VERSION.search(told)
    return f"{ESPEAK}-{version[1]}" if version else ESPEAK


def _safe(name: str) -> str:
    """A name as signatures may hold it: without the bars and colons that part them."""
    return _SAFE.sub("-", name).strip("-") or "unnamed"
