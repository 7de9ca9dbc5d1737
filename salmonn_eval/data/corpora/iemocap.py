"""IEMOCAP: evaluation files of a session's dialogues beside transcriptions and utterances (Busso et al. 2008).

Four classes, as usual: neutral, happy (with `exc`, excited), sad and angry; other and undecided turns are no items.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import find, lacking
from salmonn_eval.data.corpora.text import lines
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

LABELS = {"neu": "neutral", "hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry"}
_TURN = re.compile(r"\[(?P<start>\d+\.\d+) - (?P<end>\d+\.\d+)\]\t(?P<turn>\S+)\t(?P<emotion>\S+)\t\[.*\]\s*")
_SAID = re.compile(r"(?P<turn>\S+) \[\d+\.\d+-\d+\.\d+\]: (?P<text>.*)")
_GENDERS = {"F": "female", "M": "male"}


def open_iemocap(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The turns of `split` (session1 to session5): ids are the turns, labels the class, groups speaker and gender."""
    number = (dataset.split or "").removeprefix("session")
    if number not in {"1", "2", "3", "4", "5"}:
        raise UsageError(f"IEMOCAP has no split {dataset.split!r}; expected session1 to session5")
    places = (f"Session{number}", f"IEMOCAP_full_release/Session{number}")
    session = find(dataset, folder, places, f"session {number}")
    dialogues = sorted(
        path for path in (session / "dialog/EmoEvaluation").glob("*.txt") if not path.name.startswith("._")
    )
    if not dialogues:
        raise lacking(dataset, session, ["dialog/EmoEvaluation/*.txt"], "an evaluation file")
    said = [session / "dialog/transcriptions" / path.name for path in dialogues]
    for path in said:
        if not path.is_file():
            raise lacking(dataset, session, [f"dialog/transcriptions/{path.name}"], "a transcription")
    return AnnotatedSource(partial(_items, session, dialogues), partial(files_stamp, [*dialogues, *said], session))


def _items(session: Path, dialogues: list[Path]) -> Iterator[Item]:
    for path in dialogues:
        transcription = session / "dialog/transcriptions" / path.name
        texts = dict(_said(transcription))
        for number, line in lines(path, "an evaluation file of IEMOCAP"):
            if not line.startswith("["):
                continue
            found = _TURN.fullmatch(line)
            if found is None:
                raise UsageError(
                    f"{path}:{number}: {line!r}; expected [START - END], turn, emotion, [V, A, D] with tabs"
                )
            if found["emotion"] not in LABELS:
                continue
            if found["turn"] not in texts:
                raise UsageError(f"{path}:{number}: {found['turn']} is not in {transcription}; expected its text there")
            sample = _sample(session, path.stem, found, texts[found["turn"]])
            yield Item(str(path), number, sample)


def _said(path: Path) -> Iterator[tuple[str, str]]:
    for _, line in lines(path, "a transcription of IEMOCAP"):
        if found := _SAID.fullmatch(line):
            yield found["turn"], found["text"].strip()


def _sample(session: Path, dialogue: str, found: re.Match[str], text: str) -> Sample:
    turn = found["turn"]
    sex = turn.rpartition("_")[2][:1]
    own = session / "sentences/wav" / dialogue / f"{turn}.wav"
    whole = session / "dialog/wav" / f"{dialogue}.wav"
    # Copies without the cut utterances still have the dialogue that they were cut from.
    audio = AudioRef(str(own))
    if not own.exists() and whole.exists():
        audio = AudioRef(str(whole), start_s=float(found["start"]), end_s=float(found["end"]))
    group = {"speaker": turn[:5] + sex, "gender": _GENDERS[sex]} if sex in _GENDERS else {}
    return Sample(turn, (Clip((audio,)),), {"transcript": text}, labels=(LABELS[found["emotion"]],), group=group)
