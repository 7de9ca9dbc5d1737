"""From clips to the embeddings that stand in a prompt; every clip goes through the encoders alone, or in a GPU's batch.

A small network on a CPU leaves cores idle: its operations are too short for two threads to share one. Its clips are
encoded side by side, one a thread, ahead of the language model that decodes meanwhile. What a clip becomes is the same.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from salmonn_eval.models.protocol import OutOfMemoryError
from salmonn_eval.models.salmonn.cache import EncoderCache
from salmonn_eval.models.salmonn.hearing import Hearing
from salmonn_eval.waveform import Waveform

CLIPS_AT_ONCE = 16  # that a GPU encodes; a CPU gains nothing by it and takes one, so that its numbers are batch 1's
CLIPS_AHEAD = 32  # on their way in threads
MOST_THREADS = 4  # more encode faster than one thread decodes
SMALL = 50_000_000  # parameters; above it, threads inside an operation are worth their while

Item = TypeVar("Item")
Heard = Tensor | Future[Tensor]


class Listener:
    """Encodes clips, each once as long as the cache holds it. `note` is told when the device's memory is short."""

    def __init__(self, hearing: Hearing, cache: EncoderCache, threads: int) -> None:
        """`threads` that encode ahead (see `spare_threads`); 0: clips are encoded when they are asked for."""
        self.note: Callable[[str], object] = str
        self._hearing = hearing
        self._cache = cache
        self._threads = threads
        weight = hearing.projection.weight
        self._device, self._dtype = weight.device, weight.dtype
        self._clips_at_once = CLIPS_AT_ONCE if weight.is_cuda else 1

    def along(self, asked: Iterable[tuple[Item, Sequence[Waveform]]]) -> Iterator[tuple[Item, list[Tensor]]]:
        """Each item with the embeddings [speech tokens, d_llm] of its clips, in order; items are pulled ahead."""
        return self._side_by_side(asked) if self._threads else self._together(asked)

    @torch.inference_mode()
    def speech(self, waves: Sequence[Waveform]) -> list[Tensor]:
        """[speech tokens, d_llm] of each clip; those that the cache lacks are encoded together, and kept."""
        sounds = [torch.from_numpy(wave.samples) for wave in waves]
        keys = [self._cache.key(sound) for sound in sounds]
        kept = {key: entry for key in keys if (entry := self._cache.get(key)) is not None}
        new = {key: sound for key, sound in zip(keys, sounds, strict=True) if key not in kept}
        for key, heard in zip(new, self._hear(list(new.values())), strict=True):
            self._cache.put(key, heard)
            kept[key] = heard
        return [self._projected(kept[key]) for key in keys]

    def _together(self, asked: Iterable[tuple[Item, Sequence[Waveform]]]) -> Iterator[tuple[Item, list[Tensor]]]:
        waiting: list[tuple[Item, Sequence[Waveform]]] = []
        for pair in asked:
            waiting.append(pair)
            if len(waiting) >= self._clips_at_once:
                yield from self._with_speech(waiting)
                waiting = []
        yield from self._with_speech(waiting)

    def _with_speech(self, waiting: Sequence[tuple[Item, Sequence[Waveform]]]) -> Iterator[tuple[Item, list[Tensor]]]:
        speech = iter(self.speech([wave for _, waves in waiting for wave in waves]))
        for item, waves in waiting:
            yield item, [next(speech) for _ in waves]

    def _side_by_side(self, asked: Iterable[tuple[Item, Sequence[Waveform]]]) -> Iterator[tuple[Item, list[Tensor]]]:
        waiting: deque[tuple[Item, list[tuple[str, Heard]]]] = deque()
        running: dict[str, Future[Tensor]] = {}
        with _one_thread_an_operation():
            pool = ThreadPoolExecutor(self._threads, thread_name_prefix="encode")
            try:
                for item, waves in asked:
                    waiting.append((item, [self._begun(pool, running, wave) for wave in waves]))
                    if len(waiting) > CLIPS_AHEAD:
                        yield self._finished(running, *waiting.popleft())
                while waiting:
                    yield self._finished(running, *waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _begun(self, pool: ThreadPoolExecutor, running: dict[str, Future[Tensor]], wave: Waveform) -> tuple[str, Heard]:
        """The clip's key, and its entry of the cache or the encoding that is under way."""
        sound = torch.from_numpy(wave.samples)
        key = self._cache.key(sound)
        if key not in running and (entry := self._cache.get(key)) is not None:
            return key, entry
        if key not in running:
            running[key] = pool.submit(self._encode, sound)
        return key, running[key]

    @torch.inference_mode()
    def _finished(
        self, running: dict[str, Future[Tensor]], item: Item, clips: Sequence[tuple[str, Heard]]
    ) -> tuple[Item, list[Tensor]]:
        speech = []
        for key, clip in clips:
            heard = clip.result() if isinstance(clip, Future) else clip
            if running.pop(key, None) is not None:
                self._cache.put(key, heard)
            speech.append(self._projected(heard))
        return item, speech

    @torch.inference_mode()
    def _encode(self, sound: Tensor) -> Tensor:
        """Runs in a thread: touches nothing but the network's weights."""
        (heard,) = self._hearing.encode([sound])
        return heard

    def _projected(self, heard: Tensor) -> Tensor:
        projected: Tensor = self._hearing.projection(heard.to(self._device, self._dtype))
        return projected

    def _hear(self, sounds: Sequence[Tensor]) -> list[Tensor]:
        """Encode; where the clips do not fit the device, in halves, and from then on fewer at a time."""
        if not sounds:
            return []
        try:
            return self._hearing.encode([sound.to(self._device) for sound in sounds])
        except torch.cuda.OutOfMemoryError as fault:
            if len(sounds) == 1:
                raise OutOfMemoryError(f"one clip does not fit the device: {fault}") from fault
        torch.cuda.empty_cache()
        self._clips_at_once = half = (len(sounds) + 1) // 2
        self.note(f"the device's memory was short: from now on {half} clips are encoded at a time")
        return self._hear(sounds[:half]) + self._hear(sounds[half:])


def is_small(network: torch.nn.Module) -> bool:
    """Whether a network is on a CPU and its operations are too short to be shared by threads."""
    parameters = list(network.parameters())
    return all(one.device.type == "cpu" for one in parameters) and sum(one.numel() for one in parameters) <= SMALL


def spare_threads() -> int:
    """How many clips this process may encode at a time beside decoding: as many as it has cores; 0 on a single one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS) if cores > 1 else 0


@contextmanager
def _one_thread_an_operation() -> Iterator[None]:
    """Inside, operations of this thread, and of those that begin meanwhile, use one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
