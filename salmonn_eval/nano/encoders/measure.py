"""How much the encoders' heads hear of clips that were held out, in the form in which the network listens."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from salmonn_eval.nano.encoders.audio import COLUMN, AudioTeacher
from salmonn_eval.nano.encoders.audio import KINDS as AUDIO_KINDS
from salmonn_eval.nano.encoders.clips import Clips, banks, kind_of, mels
from salmonn_eval.nano.encoders.heads import ClassHead
from salmonn_eval.nano.encoders.speech import CONFIG, SAMPLES_A_POSITION, SpeechTeacher
from salmonn_eval.nano.encoders.speech import KINDS as SPEECH_KINDS
from salmonn_eval.nano.encoders.targets import NOT, target
from salmonn_eval.nano.sound.features import HeardClip

_AT_ONCE = 32


class Count:
    """A share, counted up."""

    def __init__(self) -> None:
        self.hits = self.all = 0

    def add(self, hits: int, of: int = 1) -> None:
        """So many more of so many more."""
        self.hits += hits
        self.all += of

    @property
    def share(self) -> float | None:
        """None of nothing."""
        return round(self.hits / self.all, 4) if self.all else None


@torch.no_grad()
def measure_speech(teacher: SpeechTeacher, pool: Path) -> dict[str, float | None]:
    """Word and letter error rates by kind of clip, sex and emotion accuracy; clips padded to the encoder's length."""
    teacher.eval()
    found: dict[str, Count] = {}
    for some in _batches(Clips(pool, SPEECH_KINDS).in_order()):
        outputs = teacher.listen(mels(some, 2 * CONFIG.max_source_positions))
        targets = [target(clip.scene) for clip in some]
        lengths = [-(-clip.samples // SAMPLES_A_POSITION) for clip in some]
        first, second = teacher.first.read(outputs, lengths), teacher.second.read(outputs, lengths)
        letters = teacher.characters.read(outputs, lengths)
        heard = [row[:length] for row, length in zip(outputs, lengths, strict=True)]
        for n, (clip, wanted) in enumerate(zip(some, targets, strict=True)):
            kind = kind_of(clip.scene)
            words = [(first[n], wanted.first), *([(second[n], wanted.second)] if kind == "mixed" else [])]
            for read, expected in words:
                _count(found, f"wer {kind}").add(Levenshtein.distance(read, expected), len(expected))
            if kind != "mixed":
                _count(found, f"cer {kind}").add(
                    Levenshtein.distance(letters[n], wanted.characters), len(wanted.characters)
                )
        _classes(found, "sex", teacher.sex, heard, [one.sex for one in targets])
        _classes(found, "emotion", teacher.emotion, heard, [one.emotion for one in targets])
    return {name: count.share for name, count in sorted(found.items())}


@torch.no_grad()
def measure_audio(teacher: AudioTeacher, pool: Path) -> dict[str, float | None]:
    """Sounds exactly and in order, sounds under speech, music, sex and emotion accuracy."""
    teacher.eval()
    found: dict[str, Count] = {}
    for some in _batches(Clips(pool, AUDIO_KINDS).in_order()):
        outputs = teacher.encoder(banks(some))
        targets = [target(clip.scene) for clip in some]
        present = teacher.present(outputs).sigmoid() > 0.5
        for n, (clip, wanted) in enumerate(zip(some, targets, strict=True)):
            kind = kind_of(clip.scene)
            if kind in ("events", "background"):
                told = {number + 1 for number in present[n].nonzero().flatten().tolist()}
                _count(found, f"sounds {kind}").add(told == set(wanted.events))
            if kind == "events":
                columns = outputs[n].reshape(1, len(outputs[n]) // COLUMN, -1)
                _count(found, "order").add(
                    tuple(teacher.sequence.read(columns, [columns.shape[1]])[0]) == wanted.events
                )
        for name in ("tempo", "mode", "instrument", "sex", "emotion"):
            _classes(found, name, getattr(teacher, name), outputs, [getattr(one, name) for one in targets])
    return {name: count.share for name, count in sorted(found.items())}


def _batches(clips: Iterable[HeardClip]) -> Iterable[list[HeardClip]]:
    feed = iter(clips)
    while some := list(islice(feed, _AT_ONCE)):
        yield some


def _count(found: dict[str, Count], name: str) -> Count:
    return found.setdefault(name, Count())


def _classes(
    found: dict[str, Count], name: str, head: ClassHead, stretches: Sequence[Tensor], classes: Sequence[int]
) -> None:
    guesses = head(stretches).argmax(-1).tolist()
    for guess, number in zip(guesses, classes, strict=True):
        if number != NOT:
            _count(found, name).add(guess == number)
