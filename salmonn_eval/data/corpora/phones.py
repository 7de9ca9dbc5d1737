"""Phone strings of utterances: from a pronouncing dictionary, or from alignments in the release's own JSON."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from salmonn_eval.data.corpora.text import lines
from salmonn_eval.data.salmonn_json import Annotation
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole

# Text of an utterance by its id and transcript; None, with why, where it has none.
Phones = Callable[[str, str], "tuple[str | None, str]"]

_PHONE = re.compile(r"[A-Z]{1,2}[0-2]?")
_FURTHER = re.compile(r"\(\d+\)$")
_COMMENTS = (";;;", "#")
_TASK = "phone_recognition"


def read_phones(file: Path) -> tuple[Phones, str]:
    """The phones that a file gives, and how signatures name it.

    A `.json` is an annotation of the release (`text` the phones, `path` ending in the utterance's id), anything else a
    dictionary. Raises UsageError for what is neither.
    """
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:8]
    if file.suffix == ".json":
        return _aligned(read_alignments(file)), f"aligned.{digest}"
    return _looked_up(read_lexicon(file)), f"{file.stem}.{digest}"


def read_lexicon(file: Path) -> dict[str, str]:
    """Word, in upper case, to its first pronunciation: `WORD P1 P2 ...` a line.

    Reads LibriSpeech's lexicon and the CMU dictionary, in which `WORD(2)` is a further pronunciation and `;;;`, or `#`
    after the phones, a comment. Raises UsageError naming the line of what is no pronunciation.
    """
    found: dict[str, str] = {}
    for number, line in lines(file, "a pronouncing dictionary"):
        if line.startswith(_COMMENTS[0]) or not line.strip():
            continue
        word, *phones = line.split(_COMMENTS[1])[0].split() if not line.startswith("#") else line.split()
        if not phones or not all(map(_PHONE.fullmatch, phones)):
            raise UsageError(
                f"{file}:{number}: {line[:60]!r}; expected a word and its phones in ARPAbet, e.g. TO T UW1"
            )
        found.setdefault(_FURTHER.sub("", word).upper(), " ".join(phones))
    if not found:
        raise UsageError(f"{file}: is empty; expected a pronouncing dictionary, a word and its phones a line")
    return found


def read_alignments(file: Path) -> dict[str, str]:
    """Utterance id to phones, of the entries of an annotation whose task is phone recognition."""
    entries = read_whole(file, Annotation, what="SALMONN annotation").annotation
    found = {PurePosixPath(entry.path).stem: entry.text for entry in entries if entry.task == _TASK}
    if not found:
        raise UsageError(
            f"{file}: none of its {len(entries)} entries has the task {_TASK!r}; expected phones in `text`"
        )
    return found


def _aligned(texts: Mapping[str, str]) -> Phones:
    return lambda utterance, _: (texts.get(utterance), "the alignments do not have the utterance")


def _looked_up(lexicon: Mapping[str, str]) -> Phones:
    def phones(_: str, transcript: str) -> tuple[str | None, str]:
        found = [lexicon.get(word.upper()) for word in transcript.split()]
        return (" ".join(filter(None, found)) if all(found) else None), "a word is not in the dictionary"

    return phones
