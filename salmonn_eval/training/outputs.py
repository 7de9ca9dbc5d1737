"""Outputs of the frozen encoders, computed once a clip and kept on disk: most of a training step otherwise."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from salmonn_eval.jsonl import write_atomic
from salmonn_eval.models.salmonn.hearing import EncoderOutputs, Hearing

AT_ONCE = 16
_DTYPE = torch.bfloat16


class KeptOutputs:
    """Encoder outputs by clip, in bfloat16; `folder` None computes them every time.

    The folder belongs to one pair of encoders: it is named by their weights. Several processes may share it.
    """

    def __init__(self, hearing: Hearing, wave: Callable[[str], Tensor], folder: Path | None) -> None:
        self._hearing = hearing
        self._wave = wave
        self._folder = folder / _weights(hearing) if folder else None

    def of(self, clips: Sequence[str]) -> list[EncoderOutputs]:
        """[positions, d_model] and [patches, size] of each clip, on the encoders' device; raises AudioError."""
        found = {clip: self._read(clip) for clip in dict.fromkeys(clips)}
        lacking = [clip for clip, outputs in found.items() if outputs is None]
        for start in range(0, len(lacking), AT_ONCE):
            some = lacking[start : start + AT_ONCE]
            for clip, outputs in zip(some, self._compute(some), strict=True):
                self._write(clip, outputs)
                found[clip] = outputs
        device = self._hearing.ln_speech.weight.device
        pairs = [found[clip] for clip in clips]
        return [(pair[0].to(device), None if pair[1] is None else pair[1].to(device)) for pair in pairs if pair]

    @torch.no_grad()
    def _compute(self, clips: Sequence[str]) -> list[EncoderOutputs]:
        device = self._hearing.ln_speech.weight.device
        outputs = self._hearing.outputs([self._wave(clip).to(device) for clip in clips])
        return [(speech.to(_DTYPE), None if audio is None else audio.to(_DTYPE)) for speech, audio in outputs]

    def _path(self, clip: str) -> Path | None:
        name = hashlib.sha256(clip.encode()).hexdigest()[:24]
        return self._folder / name[:2] / f"{name}.bf16" if self._folder else None

    def _read(self, clip: str) -> EncoderOutputs | None:
        path = self._path(clip)
        if path is None or not path.exists():
            return None
        config = self._hearing.config
        flat = torch.frombuffer(bytearray(path.read_bytes()), dtype=_DTYPE)
        heard = config.whisper.max_source_positions * config.whisper.d_model
        speech = flat[:heard].view(-1, config.whisper.d_model)
        return speech, flat[heard:].view(-1, config.beats.encoder_embed_dim) if config.beats else None

    def _write(self, clip: str, outputs: EncoderOutputs) -> None:
        if (path := self._path(clip)) is not None:
            parts = [outputs[0], *([outputs[1]] if outputs[1] is not None else [])]
            write_atomic(path, [part.cpu().contiguous().view(torch.uint8).numpy().tobytes() for part in parts])


def _weights(hearing: Hearing) -> str:
    """Of everything that decides an entry."""
    digest = hashlib.sha256()
    for name, tensor in hearing.state_dict().items():
        if name.startswith(("whisper.", "beats.")):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
