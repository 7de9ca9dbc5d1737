import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salmonn_eval.data.ahead as ahead
from salmonn_eval.data.ahead import DecodeAhead
from salmonn_eval.data.audio import decode
from salmonn_eval.errors import AudioError
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


def no_fault(request: Request, error: AudioError) -> None:
    raise AssertionError(error)


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
        for number, ready in enumerate(source.ready(requests, no_fault)):
            assert ready is requests[number]
            waves = source.waveforms(ready)
            for wave, part in zip(waves, ready.clips, strict=True):
                assert np.array_equal(wave.samples, decode(part, OPEN).samples)


def test_faults_are_told_in_order_and_the_others_go_on():
    requests = [request(0, 0), request(1, -1), request(2, 2), request(3, 3, -1), request(4)]
    told = []
    with DecodeAhead(OPEN) as source:
        ready = [r.key for r in source.ready(requests, lambda r, error: told.append((r.key, str(error))))]
    assert ready == ["0", "2", "4"]
    assert told == [(key, "gone.flac: no such file; expected an audio file") for key in ("1", "3")]


def test_a_request_without_audio_has_no_waveforms():
    with DecodeAhead(OPEN) as source:
        (ready,) = source.ready([request(0)], no_fault)
        assert source.waveforms(ready) == ()


def test_neighbours_share_one_decoding(decoded):
    requests = [request(key, key // 5) for key in range(20)]
    with DecodeAhead(OPEN) as source:
        for ready in source.ready(requests, no_fault):
            source.waveforms(ready)
    assert len(decoded.clips) == len(set(decoded.clips)) == 4


def test_no_more_requests_are_pulled_than_allowed():
    pulled = []

    def requests():
        for key in range(50):
            pulled.append(key)
            yield request(key, key)

    with DecodeAhead(OPEN, max_ahead=5) as source, closing(source.ready(requests(), no_fault)) as ready:
        for taken, current in enumerate(ready, start=1):
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
        for ready in source.ready(requests, no_fault):
            assert held_seconds(source) <= bound
            if takes:
                assert len(source.waveforms(ready)) == 1
        assert len(decoded.clips) == 60
        if takes:
            assert held_seconds(source) == pytest.approx(0, abs=1e-9)


def test_a_model_that_hoards_more_than_fits_still_gets_every_clip():
    requests = [request(key, key) for key in range(12)]
    with DecodeAhead(OPEN, max_ahead_s=3.0) as source:
        hoard = list(source.ready(requests, no_fault))
        for ready in hoard:
            (wave,) = source.waveforms(ready)
            assert np.array_equal(wave.samples, decode(ready.clips[0], OPEN).samples)


def test_asking_twice_decodes_again():
    with DecodeAhead(OPEN) as source:
        (ready,) = source.ready([request(0, 0)], no_fault)
        first, second = source.waveforms(ready), source.waveforms(ready)
        assert np.array_equal(first[0].samples, second[0].samples)


@pytest.mark.parametrize("close_generator", [True, False])
def test_a_consumer_that_stops_early_leaves_no_thread_behind(close_generator):
    before = threading.active_count()
    with DecodeAhead(OPEN, workers=3, max_ahead_s=1.0) as source:
        ready = source.ready((request(key, key) for key in range(1000)), no_fault)
        next(ready)
        if close_generator:
            ready.close()
    assert threading.active_count() == before


def test_a_fault_of_the_caller_passes_through():
    def stop(request: Request, error: AudioError) -> None:
        raise KeyboardInterrupt

    with DecodeAhead(OPEN) as source, pytest.raises(KeyboardInterrupt):
        list(source.ready([request(0, 0), request(1, -1), request(2, 2)], stop))


numbers = st.lists(st.lists(st.integers(-1, 6), max_size=3), max_size=25)


@settings(deadline=None, max_examples=40)
@given(numbers, st.integers(1, 4), st.integers(0, 8), st.floats(0.1, 20), st.integers(0, 25), st.data())
def test_any_stream_any_bounds_any_stop(asked, workers, max_ahead, max_ahead_s, stop, data):
    requests = [request(key, *clips) for key, clips in enumerate(asked)]
    expected = [(r.key, all(number >= 0 for number in clips)) for r, clips in zip(requests, asked, strict=True)]
    seen = []
    with DecodeAhead(OPEN, workers=workers, max_ahead=max_ahead, max_ahead_s=max_ahead_s) as source:
        for ready in source.ready(requests, lambda r, error: seen.append((r.key, False))):
            seen.append((ready.key, True))
            if data.draw(st.booleans()):
                assert len(source.waveforms(ready)) == len(ready.clips)
            if len(seen) > stop:
                break
    assert seen == expected[: len(seen)]
    assert len(seen) > stop or seen == expected
