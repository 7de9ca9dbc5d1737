"""Encoder outputs kept from task to task: in memory, and in a folder from run to run.

An entry is what the Q-Former made of one clip. Its key is a hash of all that it depends on: the decoded samples, the
front end's version, the dtype, the window settings, and every weight before the projection. So nothing is ever stale:
another Q-Former has other keys. A folder may be shared by several processes: entries appear whole or not at all, and
one that another process removes is computed again.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from salmonn_eval.canonical import canonical
from salmonn_eval.jsonl import write_atomic
from salmonn_eval.models.salmonn import frontend
from salmonn_eval.models.salmonn.hearing import Hearing

_SUFFIX = ".clip"


def upstream(hearing: Hearing) -> str:
    """Hash of everything that decides an entry but the clip: weights before the projection, settings, front end."""
    config = hearing.config
    settings = [frontend.VERSION, config.whisper, config.beats, config.qformer]
    digest = hashlib.sha256(canonical(settings))
    for name, tensor in hearing.state_dict().items():
        if not name.startswith("projection."):
            digest.update(canonical([name, str(tensor.dtype), list(tensor.shape)]))
            digest.update(_bytes(tensor))
    return digest.hexdigest()


class EncoderCache:
    """Entries of one network, the latest used in memory, and all in `folder` (None: memory only).

    `memory_bytes` and `disk_bytes` bound them; the least recently used go first. The disk's bound holds to within a
    sixteenth and what other processes wrote meanwhile.
    """

    def __init__(
        self, network: str, folder: Path | None = None, *, memory_bytes: int = 2**30, disk_bytes: int = 20 * 2**30
    ) -> None:
        """`network` is `upstream` of the network whose entries these are."""
        self._network = network
        self._folder = folder
        self._memory: OrderedDict[str, Tensor] = OrderedDict()
        self._held = 0
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._written = disk_bytes  # so that the first entry looks at what lies there

    def key(self, wave: Tensor) -> str:
        """Of a waveform [n] as the network hears it."""
        return hashlib.sha256(self._network.encode() + _bytes(wave)).hexdigest()

    def get(self, key: str) -> Tensor | None:
        """The entry, on the CPU in the dtype that it came in; None if there is none."""
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        found = self._read(key)
        if found is not None:
            self._remember(key, found)
        return found

    def put(self, key: str, heard: Tensor) -> None:
        """Keep an entry [speech tokens, size]."""
        entry = heard.detach().cpu().clone()
        self._remember(key, entry)
        if self._folder is not None:
            path = self._path(self._folder, key)
            write_atomic(path, _packed(entry))
            self._written += path.stat().st_size
            if self._written >= self._disk_bytes // 16:
                self._written = 0
                _evict(self._folder, self._disk_bytes)

    def _remember(self, key: str, entry: Tensor) -> None:
        if (before := self._memory.pop(key, None)) is not None:
            self._held -= before.nbytes
        self._memory[key] = entry
        self._held += entry.nbytes
        while self._held > self._memory_bytes and len(self._memory) > 1:
            self._held -= self._memory.popitem(last=False)[1].nbytes

    def _read(self, key: str) -> Tensor | None:
        if self._folder is None:
            return None
        path = self._path(self._folder, key)
        try:
            data = path.read_bytes()
            os.utime(path)  # used now, so removed last
        except OSError:
            return None
        return _unpacked(data)

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}{_SUFFIX}"


def _evict(folder: Path, bound: int) -> None:
    """Remove the least recently used entries until the folder keeps to its bound."""
    entries = []
    for path in folder.glob(f"*/*{_SUFFIX}"):
        with suppress(OSError):  # another process removed it
            status = path.stat()
            entries.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - bound
    for _, size, path in sorted(entries):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _packed(entry: Tensor) -> Iterable[bytes]:
    """A hash of what follows, dtype and shape in one line, the numbers."""
    name = str(entry.dtype).removeprefix("torch.")
    body = f"{name} {' '.join(map(str, entry.shape))}\n".encode() + _bytes(entry)
    return [hashlib.sha256(body).digest(), body]


def _unpacked(data: bytes) -> Tensor | None:
    """None for a file that is not what was written (a disk that was full, say)."""
    digest, body = data[:32], data[32:]
    if hashlib.sha256(body).digest() != digest:
        return None
    header, _, numbers = body.partition(b"\n")
    name, *shape = header.decode().split()
    return torch.frombuffer(bytearray(numbers), dtype=getattr(torch, name)).view(*map(int, shape))
