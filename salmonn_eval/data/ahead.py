"""Audio decoded in threads ahead of the model, within bounds of count and of seconds held."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Self

from salmonn_eval.data.audio import decode
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioPolicy, Clip, Request
from salmonn_eval.waveform import Waveform


class _Decoding:
    """One clip on its way: how many requests of the window wait for it, and whether the model is waiting now."""

    def __init__(self) -> None:
        self.users = 0
        self.wanted = False
        self.held_s = 0.0
        self.future: Future[Waveform | None]


class DecodeAhead:
    """An AudioSource that decodes while the model works.

    `ready` pulls at most `max_ahead` requests beyond the one it gives. Decoding pauses while `max_ahead_s` seconds are
    decoded and not yet taken; each of `workers` threads may finish one more clip. A clip that several requests of
    the window ask for is decoded once and shared: do not write into its samples. Audio that was offered and not taken
    is given up when its room is needed; `waveforms` then decodes it again, as it does for a request asked twice.
    """

    def __init__(
        self, policy: AudioPolicy, *, workers: int = 2, max_ahead_s: float = 600.0, max_ahead: int = 64
    ) -> None:
        self._policy = policy
        self._max_ahead_s = max_ahead_s
        self._max_ahead = max_ahead
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        self._changed = threading.Condition()
        self._clips: dict[Clip, _Decoding] = {}
        self._offered: dict[str, Request] = {}
        self._held_s = 0.0

    def ready(self, requests: Iterable[Request]) -> Iterator[tuple[Request, AudioError | None]]:
        """Yield the requests, in order: each with its audio decoded, or with the fault that its audio has."""
        source = iter(requests)
        window: deque[Request] = deque()
        try:
            while True:
                for request in islice(source, 1 + self._max_ahead - len(window)):
                    self._begin(request)
                    window.append(request)
                if not window:
                    return
                request, fault = window[0], self._await(window[0])
                window.popleft()
                if fault is not None:
                    self._release(request)
                elif request.clips:
                    with self._changed:
                        self._offered[request.key] = request
                yield request, fault
        finally:
            for request in window:
                self._release(request)

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        """The decoded clips of a request; they are let go of here.

        Raises AudioError only where they must be decoded again and the audio has gone bad meanwhile.
        """
        with self._changed:
            offered = self._offered.pop(request.key, None)
            waiting = [] if offered is None else [self._clips[clip].future for clip in request.clips]
        decoded = [future.result() for future in waiting]
        if offered is not None:
            self._release(offered)
        whole = tuple(waveform for waveform in decoded if waveform is not None)
        if len(whole) == len(request.clips):
            return whole
        return tuple(decode(clip, self._policy) for clip in request.clips)

    def close(self) -> None:
        """Give up everything decoded or on its way and end the threads."""
        with self._changed:
            for decoding in self._clips.values():
                decoding.users = 0
            self._clips.clear()
            self._offered.clear()
            self._held_s = 0.0
            self._changed.notify_all()
        self._pool.shutdown(cancel_futures=True)

    def _begin(self, request: Request) -> None:
        for clip in request.clips:
            with self._changed:
                decoding = self._clips.get(clip)
                if decoding is None:
                    decoding = self._clips[clip] = _Decoding()
                    decoding.future = self._pool.submit(self._decode, clip, decoding)
                decoding.users += 1

    def _decode(self, clip: Clip, decoding: _Decoding) -> Waveform | None:
        """Runs in a worker: wait for room, or for the model to want this very clip; None when nobody wants it."""
        with self._changed:
            self._changed.wait_for(lambda: self._held_s < self._max_ahead_s or decoding.wanted or not decoding.users)
            if not decoding.users:
                return None
        waveform = decode(clip, self._policy)
        with self._changed:
            if decoding.users:
                decoding.held_s = waveform.seconds
                self._held_s += waveform.seconds
        return waveform

    def _await(self, request: Request) -> AudioError | None:
        """Wait until every clip of the next request is decoded; the fault of the first that cannot be."""
        for clip in request.clips:
            with self._changed:
                decoding = self._clips[clip]
                decoding.wanted = True
                while not decoding.future.done() and self._offered and self._held_s >= self._max_ahead_s:
                    self._release(self._offered.pop(next(iter(self._offered))))
                self._changed.notify_all()
            try:
                decoding.future.result()
            except AudioError as fault:
                return fault
        return None

    def _release(self, request: Request) -> None:
        with self._changed:
            for clip in request.clips:
                decoding = self._clips.get(clip)
                if decoding is None:
                    continue
                decoding.users -= 1
                if decoding.users == 0:
                    self._held_s -= decoding.held_s
                    del self._clips[clip]
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
