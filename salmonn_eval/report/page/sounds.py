"""What the model heard, as Opus: decoded as in the run, held in the page up to a cap, else in files beside it."""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from msgspec import Struct

from salmonn_eval.canonical import fingerprint
from salmonn_eval.data.audio import decode
from salmonn_eval.errors import AudioError
from salmonn_eval.identity import clip_identity
from salmonn_eval.jsonl import write_atomic
from salmonn_eval.records import AudioPolicy, Clip
from salmonn_eval.report.page.payload import Sound
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

_CHUNK = 10 * SAMPLE_RATE  # libsndfile overflows its stack on long Ogg writes made in one call
_COMPRESSION = 0.9  # about 30 kbit/s
_AHEAD = 64
_NOT_WANTED = "audio was left out of this page"


class Heard(Struct, frozen=True):
    """One clip under the audio policy of the model that heard it; `set` is the first test set that asks about it."""

    clip: Clip
    policy: AudioPolicy
    set: int


class Rendered(Struct, frozen=True):
    """The page's sounds in order, and the encoded bytes of those that it holds, by their place."""

    sounds: tuple[Sound, ...]
    held: dict[int, bytes]

    @property
    def linked(self) -> int:
        """How many lie in files beside the page."""
        return sum(sound.kind == "linked" for sound in self.sounds)


class Clips:
    """Numbers for clips: equal content under one policy is one sound."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, Heard]] = {}

    def of(self, clip: Clip, policy: AudioPolicy, set_: int) -> int:
        """The number of a clip."""
        key = fingerprint([clip_identity(clip), msgspec.to_builtins(policy)])
        return self._heard.setdefault(key, (len(self._heard), Heard(clip, policy, set_)))[0]

    def all(self) -> dict[str, Heard]:
        """Every clip by its fingerprint, in the order of its number."""
        return {key: heard for key, (_, heard) in self._heard.items()}


def none(clips: Clips) -> Rendered:
    """No sound at all."""
    return Rendered(tuple(Sound("absent", why=_NOT_WANTED) for _ in clips.all()), {})


def render(
    clips: Clips, cap: int, folder: Path, prefix: str, progress: Callable[[int, int], None] = lambda done, of: None
) -> Rendered:
    """Decode and encode every clip; the first `cap` bytes, test sets taking turns, are held, the rest is linked.

    Files are `folder`/FINGERPRINT.opus, `prefix` what the page writes before their name; `progress` is told how many
    are done. Raises OSError where files cannot be written. A clip that cannot be heard is absent, with the reason.
    """
    named = list(clips.all().items())
    found: dict[int, Sound] = {}
    held: dict[int, bytes] = {}
    left = cap
    turns = _in_turns([heard.set for _, heard in named])
    with ThreadPoolExecutor(2) as pool:
        for done, (place, encoded) in enumerate(_ordered(pool, turns, [heard for _, heard in named])):
            progress(done, len(named))
            if isinstance(encoded, str):
                found[place] = Sound("absent", why=encoded)
                continue
            data, sound = encoded
            left -= len(data)
            if left >= 0:
                held[place], found[place] = data, sound
            else:
                file = f"{named[place][0]}.opus"
                write_atomic(folder / file, [data])
                found[place] = msgspec.structs.replace(sound, kind="linked", file=f"{prefix}/{file}")
    return Rendered(tuple(found[place] for place in range(len(named))), held)


def _in_turns(sets: Sequence[int]) -> list[int]:
    """Places, the first of every set before the second of any."""
    seen: dict[int, int] = {}
    turn = []
    for set_ in sets:
        turn.append(seen.get(set_, 0))
        seen[set_] = seen.get(set_, 0) + 1
    return sorted(range(len(sets)), key=lambda place: (turn[place], place))


def _ordered(
    pool: ThreadPoolExecutor, places: Sequence[int], heard: Sequence[Heard]
) -> Iterator[tuple[int, tuple[bytes, Sound] | str]]:
    """Sounds in the order of `places`, a few encoded ahead."""
    for start in range(0, len(places), _AHEAD):
        batch = places[start : start + _AHEAD]
        yield from zip(batch, pool.map(_encoded, [heard[place] for place in batch]), strict=True)


def _encoded(heard: Heard) -> tuple[bytes, Sound] | str:
    """Ogg Opus and how long it is, or why there is none."""
    try:
        wave = decode(heard.clip, heard.policy)
    except AudioError as fault:
        return without_folders(str(fault), (heard.clip,))
    return opus(wave), Sound("held", round(wave.seconds, 3), round(wave.cut_s, 3))


def without_folders(text: str, clips: Sequence[Clip]) -> str:
    """A fault's text with the audio files of `clips` by their bare names: pages travel."""
    for part in (part for clip in clips for part in clip.parts if part.path is not None):
        text = text.replace(part.path or "", Path(part.path or "").name)
    return text


def opus(wave: Waveform) -> bytes:
    """Ogg Opus of a waveform; what is louder than full scale (a mix may be) is brought down to it."""
    peak = float(np.max(np.abs(wave.samples)))
    samples = wave.samples / max(peak, 1.0)
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", SAMPLE_RATE, 1, format="OGG", subtype="OPUS", compression_level=_COMPRESSION
    ) as sound:
        for start in range(0, len(samples), _CHUNK):
            sound.write(samples[start : start + _CHUNK])
    return file.getvalue()
