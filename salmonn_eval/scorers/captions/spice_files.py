"""The files of Stanford CoreNLP 3.6.0 that SPICE opens: what they are, where they lie, and whether they are right."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from salmonn_eval.cachefolder import cache_folder
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.scorers.captions.java import lacks as lacks_java

VARIABLE = "SALMONN_EVAL_SPICE_DIR"
CODE_JAR = "stanford-corenlp-3.6.0.jar"
MODELS_JARS = "stanford-corenlp-3.6.0-models*.jar"
_CODE_CLASS = "edu/stanford/nlp/pipeline/StanfordCoreNLP.class"
_MEND = f"type: salmonn-eval doctor --fetch spice (or set {VARIABLE} to a folder that has the files)"


class ModelFile(Struct, frozen=True):
    """Size in bytes, CRC-32 and SHA-256 of a file's content."""

    size: int
    crc32: int
    sha256: str


MODELS: Mapping[str, ModelFile] = {
    "edu/stanford/nlp/models/dcoref/animate.unigrams.txt": ModelFile(
        312_302, 0x2FCEF970, "f098d0dec513de3729b4274d16bb0cc35c4bf2b801219885ee3c7e7fbbf56374"
    ),
    "edu/stanford/nlp/models/dcoref/countries": ModelFile(
        3_940, 0x49BBDD2E, "aca387cfc0033623bcdf6d0d876e850abcda0d88cdef58ea6dc6dccf7caaae87"
    ),
    "edu/stanford/nlp/models/dcoref/demonyms.txt": ModelFile(
        11_222, 0x83EF68ED, "59d6f108e8d9d7511f386a76c8aacf1ae67a8a1d0635d91b82fdb27da15ac5f2"
    ),
    "edu/stanford/nlp/models/dcoref/gender.map.ser.gz": ModelFile(
        6_505_394, 0x25A1849A, "5b186bd60d88cdf7cb6fda51ec6bcb24975d503e155283b1b1e49f30b393ae76"
    ),
    "edu/stanford/nlp/models/dcoref/inanimate.unigrams.txt": ModelFile(
        678_395, 0x1F7B8B0D, "3e4bcd3c30f80138bafb4c7995b358f84d698632246b552286cad629592b3754"
    ),
    "edu/stanford/nlp/models/dcoref/state-abbreviations.txt": ModelFile(
        932, 0xD91E6F97, "390bf299f876b557ecf7d383059b77957466b172e1c6d953b0479594d7424430"
    ),
    "edu/stanford/nlp/models/dcoref/statesandprovinces": ModelFile(
        1_284, 0xB556BA6D, "00cd22f600bb20c7906e754322486968b8d76d8905b02e634a2142c8083d2484"
    ),
    "edu/stanford/nlp/models/lexparser/englishPCFG.ser.gz": ModelFile(
        1_883_795, 0xC7B6CED1, "ed674cce7311f76c018806e61cdb045e219258ee30014da4e3e686b9230ebea9"
    ),
    "edu/stanford/nlp/models/ner/english.all.3class.distsim.crf.ser.gz": ModelFile(
        34_663_961, 0xE5571FE5, "a14cd92f4cc6925c505cc68f95a2e9da8606e3b45bf3a563944ea25080565582"
    ),
    "edu/stanford/nlp/models/ner/english.conll.4class.distsim.crf.ser.gz": ModelFile(
        17_803_778, 0x0E841D20, "f60c3630612f2c93420f191fec792f87a4f64aee38998324b7a1f8b5c90f7363"
    ),
    "edu/stanford/nlp/models/ner/english.muc.7class.distsim.crf.ser.gz": ModelFile(
        17_859_765, 0x1DD22BAC, "a2d7308d176718cdd0e7a062aaaf5e94d2c4bb8c9b787f2177196dcce1db5d0c"
    ),
}
"""The eleven of the 378 MB of models that SPICE opens (79 MB), by their names inside the models jar."""


class SpiceFiles(Struct, frozen=True):
    """CoreNLP's code, and the jars that between them hold the models."""

    code: Path
    models: tuple[Path, ...]


def spice_folder() -> Path:
    """What SALMONN_EVAL_SPICE_DIR names, else the folder that `doctor --fetch spice` fills."""
    asked = os.environ.get(VARIABLE)
    return Path(asked) if asked else cache_folder() / "spice"


def locate(folder: Path) -> SpiceFiles:
    """The jars of a folder, judged by their tables of contents (sizes and CRCs), which is quick.

    Raises PrerequisiteError that names what is missing or differs.
    """
    code = folder / CODE_JAR
    if not code.is_file():
        raise PrerequisiteError(f"SPICE needs {CODE_JAR}, which is not in {folder}; {_MEND}")
    if _CODE_CLASS not in _contents(code):
        raise PrerequisiteError(f"{code} is not the code of CoreNLP 3.6.0: it has no {_CODE_CLASS}; {_MEND}")
    missing = dict(MODELS)
    holders: list[Path] = []
    for jar in sorted(folder.glob(MODELS_JARS)):
        inside = _contents(jar)
        held = [name for name in missing if name in inside]
        for name in held:
            found, expected = inside[name], missing.pop(name)
            if (found.file_size, found.CRC) != (expected.size, expected.crc32):
                raise PrerequisiteError(f"{name} in {jar} is not that of CoreNLP 3.6.0; {_MEND}")
        if held:
            holders.append(jar)
    if missing:
        raise PrerequisiteError(
            f"SPICE needs {len(missing)} model files that no {MODELS_JARS} in {folder} has, "
            f"such as {next(iter(missing))}; {_MEND}"
        )
    return SpiceFiles(code, tuple(holders))


def verify(files: SpiceFiles) -> None:
    """Compare every model's content by SHA-256; PrerequisiteError names the first that differs."""
    for jar in files.models:
        with zipfile.ZipFile(jar) as archive:
            for name in MODELS.keys() & set(archive.namelist()):
                try:
                    content = archive.read(name)
                except (zipfile.BadZipFile, OSError, EOFError) as fault:
                    raise PrerequisiteError(f"{name} in {jar} is damaged ({fault}); {_MEND}") from None
                if hashlib.sha256(content).hexdigest() != MODELS[name].sha256:
                    raise PrerequisiteError(f"{name} in {jar} is not that of CoreNLP 3.6.0; {_MEND}")


def lacks() -> str | None:
    """Why SPICE cannot run on this machine and how to mend that, in one sentence; None if it can."""
    try:
        locate(spice_folder())
    except PrerequisiteError as fault:
        return str(fault)
    return lacks_java()


def _contents(jar: Path) -> dict[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(jar) as archive:
            return {entry.filename: entry for entry in archive.infolist()}
    except (zipfile.BadZipFile, OSError) as fault:
        raise PrerequisiteError(f"{jar} cannot be read as a jar ({fault}); {_MEND}") from None
