"""Encoded audio: where its bytes lie, what its header says, and one stretch of it as float32 mono at 16 kHz."""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.data.cells import CELL_SCHEME, cell
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioRef, Channels
from salmonn_eval.waveform import SAMPLE_RATE

# Beyond its cut a stretch is read this much further: soxr's filter then sees what it would see in the whole file.
_FILTER_MARGIN_S = 0.05
# libsndfile reports this many frames or more where a header (of a FLAC written to a pipe) leaves the length open.
_OPEN_LENGTH = 2**62
# Writers that cannot seek back leave a size of about 2 or 4 GiB in a WAV header: no sign of a truncated file.
_STREAMED_SIZE = 0x7FFF0000
_WAV_SIZES = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)


class Stretch(Struct, frozen=True, eq=False):
    """An open file and the frames of it that a reference names."""

    place: str
    file: soundfile.SoundFile
    start: int
    frames: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / float(self.file.samplerate)

    def read(self, most_s: float, channels: Channels) -> NDArray[np.float32]:
        """The first `most_s` seconds (infinite: all) as float32 mono [T] at 16 kHz; nothing further is decoded.

        Raises AudioError for damaged or truncated audio and for values that are not finite.
        """
        rate = self.file.samplerate
        wanted = int(min(self.frames, (most_s + _FILTER_MARGIN_S) * rate))
        sound = self._frames(wanted)
        if not np.isfinite(sound).all():
            first = self.start + int(np.argmin(np.isfinite(sound).all(axis=1)))
            raise AudioError(f"{self.place}: frame {first} is NaN or infinite; expected finite samples")
        mono = np.ascontiguousarray(sound[:, 0]) if channels == "first" else sound.mean(axis=1, dtype=np.float32)
        heard = mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")
        return heard if most_s * SAMPLE_RATE >= len(heard) else heard[: round(most_s * SAMPLE_RATE)]

    def _frames(self, wanted: int) -> NDArray[np.float32]:
        """`wanted` frames [frames, channels] from the start of the stretch."""
        try:
            if self.start:
                self.file.seek(self.start)
            sound: NDArray[np.float32] = self.file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as fault:
            raise AudioError(
                f"{self.place}: damaged or truncated audio ({fault.error_string.rstrip('.')}); "
                f"expected {wanted} frames from frame {self.start}; replace the file"
            ) from fault
        if len(sound) < wanted:
            raise AudioError(
                f"{self.place}: truncated audio, {len(sound)} frames found from frame {self.start} where the header "
                f"promises {wanted}; replace the file"
            )
        return sound


def place(ref: AudioRef) -> str:
    """How messages name an audio resource."""
    return ref.path if ref.path is not None else "audio held in memory"


def content(ref: AudioRef) -> Path | bytes:
    """The encoded file: its path on disk, or its bytes where it lies in memory or in a dataset's cell.

    Raises AudioError when there is no such thing.
    """
    if ref.data is not None:
        return ref.data
    if ref.path is None:
        raise AudioError("audio reference without path and without data; expected one of them")
    return cell(ref.path) if ref.path.startswith(CELL_SCHEME) else Path(ref.path)


@contextmanager
def opened(ref: AudioRef, *, verify: bool = True) -> Iterator[Stretch]:
    """Open the stretch that `ref` names; `verify` reads the whole file to compare it with a stated `sha256`.

    Raises AudioError: no such file, an empty file, another hash than stated, no audio, no frames, a truncated WAV, a
    start beyond the end.
    """
    with _sound_file(ref, verify) as file:
        _check_header(ref, file)
        rate = file.samplerate
        start = round(ref.start_s * rate)
        end = file.frames if ref.end_s is None else min(file.frames, round(ref.end_s * rate))
        if not 0 <= start < end:
            until = "the end" if ref.end_s is None else f"{ref.end_s:g} s"
            raise AudioError(
                f"{place(ref)}: nothing lies from {ref.start_s:g} s to {until}; "
                f"expected a stretch of its {file.frames / rate:.3f} s"
            )
        yield Stretch(place(ref), file, start, end - start)


def probe(ref: AudioRef) -> float | None:
    """Seconds that the header promises; None where it cannot be read (the fault appears when the clip is decoded)."""
    try:
        with opened(ref, verify=False) as stretch:
            return stretch.seconds
    except AudioError:
        return None


def expect_hash(ref: AudioRef, found: str) -> None:
    """Raise AudioError where `ref` states another SHA-256 than the one found."""
    if ref.sha256 not in (None, found):
        raise AudioError(
            f"{place(ref)}: SHA-256 is {found}; expected {ref.sha256}: put the right file there, mend the stated hash, "
            "or start anew with --fresh where the change is meant"
        )


def sha256(source: Path | bytes) -> str:
    """Hexadecimal SHA-256 of encoded audio, in one pass; OSError where a file cannot be read."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sound_file(ref: AudioRef, verify: bool) -> soundfile.SoundFile:
    source = content(ref)
    if (_file_size(source) if isinstance(source, Path) else len(source)) == 0:
        raise AudioError(f"{place(ref)}: empty file (0 bytes); expected encoded audio")
    if verify and ref.sha256 is not None:
        try:
            expect_hash(ref, sha256(source))
        except OSError as fault:
            raise AudioError(f"{place(ref)}: cannot be read ({fault.strerror}); expected an audio file") from fault
    try:
        return soundfile.SoundFile(str(source) if isinstance(source, Path) else io.BytesIO(source))
    except soundfile.LibsndfileError as fault:
        raise AudioError(
            f"{place(ref)}: not audio that can be read ({fault.error_string.rstrip('.')}); "
            "expected WAV, FLAC, OGG, MP3 or another format of libsndfile"
        ) from fault


def _file_size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
        what = "a folder" if path.is_dir() else "no such file"
    except OSError as fault:
        raise AudioError(f"{path}: cannot be looked at ({fault.strerror}); expected an audio file") from fault
    raise AudioError(f"{path}: {what}; expected an audio file")


def _check_header(ref: AudioRef, file: soundfile.SoundFile) -> None:
    if file.frames == 0:
        raise AudioError(f"{place(ref)}: no audio frames; expected at least one")
    if file.frames >= _OPEN_LENGTH:
        raise AudioError(
            f"{place(ref)}: its header does not say how long it is (written to a pipe?); "
            f"expected a length: re-encode it, e.g. ffmpeg -i IN.{file.format.lower()} OUT.flac"
        )
    sizes = _WAV_SIZES.search(file.extra_info) if file.format in ("WAV", "WAVEX") else None
    if sizes and int(sizes[2]) < int(sizes[1]) < _STREAMED_SIZE:
        raise AudioError(
            f"{place(ref)}: truncated audio, {sizes[2]} bytes of samples found where the header promises {sizes[1]}; "
            "replace the file"
        )
