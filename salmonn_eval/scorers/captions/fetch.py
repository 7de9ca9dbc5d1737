"""Getting the files of CoreNLP 3.6.0 that SPICE needs: from Stanford, another address, a folder, or Maven."""

import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.scorers.captions.download import download
from salmonn_eval.scorers.captions.spice_files import CODE_JAR, MODELS, MODELS_JARS, locate, verify

STANFORD = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"
MAVEN = "maven"
KEPT_MODELS = "stanford-corenlp-3.6.0-models-for-spice.jar"
_COORDINATES = ("edu.stanford.nlp:stanford-corenlp:3.6.0", "edu.stanford.nlp:stanford-corenlp:3.6.0:jar:models")
_MVN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_MAX_JAR = 1 << 30
_DATE = (2015, 12, 9, 0, 0, 0)


def fetch(source: str | None, folder: Path, note: Callable[[str], None]) -> None:
    """Fill `folder` with CoreNLP's code and the eleven model files, each checked by SHA-256.

    `source` is an http(s) address of an archive like Stanford's (None: Stanford's own), such an archive on disk, a
    folder with the jars or the archive, or `maven`. `note` is told what happens. Nothing is kept of what fails, save
    an unfinished download, which the next call continues. Raises PrerequisiteError, or UsageError for a source that
    is none of these.
    """
    source = source or STANFORD
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacking-", dir=folder) as temporary:
        work = Path(temporary)
        place = _place(source, folder, work, note)
        try:
            kept = _kept(source, list(_jars(place, work)), work)
        except (zipfile.BadZipFile, EOFError, OSError) as fault:
            raise PrerequisiteError(f"{source} cannot be unpacked: {fault}; try another --from") from None
        finally:  # a whole download that was no use is as little use the next time
            for part in folder.glob("download-*"):
                part.unlink()
        for jar in kept:
            jar.replace(folder / jar.name)
    note(f"CoreNLP's code and the {len(MODELS)} model files that SPICE needs are in {folder}")


def _kept(source: str, jars: Sequence[Path], work: Path) -> list[Path]:
    """The two jars to keep, checked, in a folder of their own."""
    code = next((jar for jar in jars if jar.name == CODE_JAR), None)
    models = [jar for jar in jars if fnmatch(jar.name, MODELS_JARS)]
    if code is None or not models:
        wanted = CODE_JAR if code is None else MODELS_JARS
        raise PrerequisiteError(f"{source} has no {wanted}; expected an archive or a folder of CoreNLP 3.6.0")
    kept = work / "kept"
    kept.mkdir()
    _trim(models, kept / KEPT_MODELS)
    shutil.copyfile(code, kept / CODE_JAR)
    verify(locate(kept))
    return [kept / CODE_JAR, kept / KEPT_MODELS]


def _place(source: str, folder: Path, work: Path, note: Callable[[str], None]) -> Path:
    """The archive or the folder on this machine that `source` means."""
    if source == MAVEN:
        return _from_maven(work, note)
    if source.startswith(("http://", "https://")):
        name = hashlib.sha256(source.encode()).hexdigest()[:16]
        return download(source, folder / f"download-{name}", note)
    place = Path(source).expanduser()
    if not place.exists():
        raise UsageError(f"--from {source!r} is no address, folder or file; expected one of these, or {MAVEN!r}")
    return place


def _from_maven(work: Path, note: Callable[[str], None]) -> Path:
    program = shutil.which("mvn")
    if program is None:
        raise PrerequisiteError(f"--from {MAVEN} needs the program mvn; install Maven, or leave --from out")
    for coordinates in _COORDINATES:
        note(f"asking Maven for {coordinates}")
        command = [program, "-q", "-B", _MVN_PLUGIN, f"-Dartifact={coordinates}", f"-DoutputDirectory={work}"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            said = next((line for line in done.stdout.splitlines() if "ERROR" in line), f"exit {done.returncode}")
            raise PrerequisiteError(f"Maven could not get {coordinates}: {said}; try another --from")
    return work


def _jars(place: Path, work: Path) -> Iterator[Path]:
    """The wanted jars of a folder or an archive; those inside archives are unpacked into `work` under known names."""
    archives = [place] if place.is_file() else sorted(place.iterdir())
    for archive in archives:
        if _wanted(archive.name):
            yield archive
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                for entry in opened.infolist():
                    name = entry.filename.replace("\\", "/").rsplit("/", 1)[-1]
                    if _wanted(name):
                        with opened.open(entry) as packed, (work / name).open("wb") as jar:
                            _copy(packed, jar, f"{name} in {archive}")
                        yield work / name


def _wanted(name: str) -> bool:
    return name == CODE_JAR or fnmatch(name, MODELS_JARS)


def _copy(packed: IO[bytes], target: IO[bytes], what: str) -> None:
    left = _MAX_JAR
    while chunk := packed.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise PrerequisiteError(f"{what} unpacks to more than {_MAX_JAR} bytes; it is not CoreNLP 3.6.0")
        target.write(chunk)


def _trim(jars: Sequence[Path], target: Path) -> None:
    """Write the eleven model files into one jar; they are compressed already, so they are only stored."""
    with ExitStack() as stack, zipfile.ZipFile(target, "w") as kept:
        for archive in (stack.enter_context(zipfile.ZipFile(jar)) for jar in jars):
            for name in sorted(MODELS.keys() & set(archive.namelist()) - set(kept.namelist())):
                with archive.open(name) as packed:
                    kept.writestr(zipfile.ZipInfo(name, _DATE), packed.read(MODELS[name].size + 1))
