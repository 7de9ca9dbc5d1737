import hashlib
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salmonn_eval.data.ahead as ahead
from salmonn_eval.data.ahead import DecodeAhead
from salmonn_eval.data.audio import decode
from salmonn_eval.records import AudioPolicy, AudioRef, Clip, Generation, Request, Variant

OPEN = AudioPolicy()
RECORDINGS = sorted((Path(__file__).resolve().parents[1] / "data" / "audio").glob("*.flac"))
LONGEST_S = 3.0


def clip(number: int) -> Clip:
    """Recording `number`, a different stretch of it each time round; a missing file for negative numbers."""
    path = RECORDINGS[number % len(RECORDINGS)] if number >= 0 else Path("gone.flac")
    return Clip((AudioRef(str(path), start_s=max(number, 0) // len(RECORDINGS) * 0.01),))


def request(key: int, *numbers: int) -> Request:
    clips = tuple(map(clip, numbers))
    return Request(str(key), "asr", "d", f"s{key}", "What is said?", clips, Generation(max_new_tokens=1), Variant())


def heard(source: DecodeAhead, requests: Iterable[Request]) -> Iterator[Request]:
    """The requests of a stream without faults, as they get ready."""
    for current, fault in source.ready(requests):
        assert fault is None
        yield current


class Decoded:
    """The real decoder, counted."""

    def __init__(self) -> None:
        self.clips: list[Clip] = []
        self.lock = threading.Lock()

    def __call__(self, clip: Clip, policy: AudioPolicy):
        with self.lock:
            self.clips.append(clip)
        return decode(clip, policy)


@pytest.fixture
def decoded(monkeypatch) -> Decoded:
    counting = Decoded()
    monkeypatch.setattr(ahead, "decode", counting)
    return counting


def test_requests_come_in_order_with_their_own_audio():
    requests = [request(key, key, key + 1) for key in range(20)]
    with DecodeAhead(OPEN) as source:
        for number, ready in enumerate(heard(source, requests)):
            assert ready is requests[number]
            waves = source.waveforms(ready)
            for wave, part in zip(waves, ready.clips, strict=True):
                assert np.array_equal(wave.samples, decode(part, OPEN).samples)


def test_faults_are_told_in_order_and_the_others_go_on():
    requests = [request(0, 0), request(1, -1), request(2, 2), request(3, 3, -1), request(4)]
    gone = "gone.flac: no such file; expected an audio file"
    with DecodeAhead(OPEN) as source:
        told = [(ready.key, fault and str(fault)) for ready, fault in source.ready(requests)]
    assert told == [("0", None), ("1", gone), ("2", None), ("3", gone), ("4", None)]


def test_a_clip_that_was_replaced_after_it_was_hashed_is_a_fault_of_its_request_alone(tmp_path):
    moved = Path(shutil.copy(RECORDINGS[0], tmp_path))
    sha256 = hashlib.sha256(moved.read_bytes()).hexdigest()
    replaced = msgspec.structs.replace(request(1), clips=(Clip((AudioRef(str(moved), sha256=sha256),)),))
    shutil.copy(RECORDINGS[1], moved)
    with DecodeAhead(OPEN) as source:
        (_, first), (_, fault), (_, last) = source.ready([request(0, 0), replaced, request(2, 2)])
    assert (first, last) == (None, None)
    assert f"expected {sha256}" in str(fault)


def test_a_request_without_audio_has_no_waveforms():
    with DecodeAhead(OPEN) as source:
        ((ready, _),) = source.ready([request(0)])
        assert source.waveforms(ready) == ()


def test_neighbours_share_one_decoding(decoded):
    requests = [request(key, key // 5) for key in range(20)]
    with DecodeAhead(OPEN) as source:
        for ready in heard(source, requests):
            source.waveforms(ready)
    assert len(decoded.clips) == len(set(decoded.clips)) == 4


def test_no_more_requests_are_pulled_than_allowed():
    pulled = []

    def requests():
        for key in range(50):
            pulled.append(key)
            yield request(key, key)

    with DecodeAhead(OPEN, max_ahead=5) as source, closing(source.ready(requests())) as ready:
        for taken, (current, _) in enumerate(ready, start=1):
            assert len(pulled) <= taken + 5
            source.waveforms(current)


def held_seconds(source: DecodeAhead) -> float:
    with source._changed:
        return source._held_s


@pytest.mark.parametrize("takes", [True, False])
def test_seconds_held_stay_bounded_whether_the_model_takes_its_audio_or_not(takes, decoded):
    requests = [request(key, key) for key in range(60)]
    bound = 8.0 + (2 + 1) * LONGEST_S
    with DecodeAhead(OPEN, workers=2, max_ahead_s=8.0) as source:
        for ready in heard(source, requests):
            assert held_seconds(source) <= bound
            if takes:
                assert len(source.waveforms(ready)) == 1
        assert len(decoded.clips) == 60
        if takes:
            assert held_seconds(source) == pytest.approx(0, abs=1e-9)


def test_a_model_that_hoards_more_than_fits_still_gets_every_clip():
    requests = [request(key, key) for key in range(12)]
    with DecodeAhead(OPEN, max_ahead_s=3.0) as source:
        hoard = list(heard(source, requests))
        for ready in hoard:
            (wave,) = source.waveforms(ready)
            assert np.array_equal(wave.samples, decode(ready.clips[0], OPEN).samples)


def test_asking_twice_decodes_again():
    with DecodeAhead(OPEN) as source:
        ((ready, _),) = source.ready([request(0, 0)])
        first, second = source.waveforms(ready), source.waveforms(ready)
        assert np.array_equal(first[0].samples, second[0].samples)


@pytest.mark.parametrize("close_generator", [True, False])
def test_a_consumer_that_stops_early_leaves_no_thread_behind(close_generator):
    before = threading.active_count()
    with DecodeAhead(OPEN, workers=3, max_ahead_s=1.0) as source:
        ready = source.ready(request(key, key) for key in range(1000))
        next(ready)
        if close_generator:
            ready.close()
    assert threading.active_count() == before


def test_a_fault_of_the_request_stream_passes_through_and_leaves_no_thread_behind():
    def requests():
        yield request(0, 0)
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), DecodeAhead(OPEN) as source:
        list(source.ready(requests()))
    assert threading.active_count() == before


numbers = st.lists(st.lists(st.integers(-1, 6), max_size=3), max_size=25)


@settings(deadline=None, max_examples=40)
@given(numbers, st.integers(1, 4), st.integers(0, 8), st.floats(0.1, 20), st.integers(0, 25), st.data())
def test_any_stream_any_bounds_any_stop(asked, workers, max_ahead, max_ahead_s, stop, data):
    requests = [request(key, *clips) for key, clips in enumerate(asked)]
    expected = [(r.key, all(number >= 0 for number in clips)) for r, clips in zip(requests, asked, strict=True)]
    seen = []
    with DecodeAhead(OPEN, workers=workers, max_ahead=max_ahead, max_ahead_s=max_ahead_s) as source:
        for ready, fault in source.ready(requests):
            seen.append((ready.key, fault is None))
            if fault is None and data.draw(st.booleans()):
                assert len(source.waveforms(ready)) == len(ready.clips)
            if len(seen) > stop:
                break
    assert seen == expected[: stop + 1]
