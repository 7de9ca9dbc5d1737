"""Decoded audio: what data makes and models hear."""

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:  # commands that only name models start without numpy
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000


class Waveform(Struct, frozen=True, eq=False):
    """One decoded clip: float32 mono [T] at 16 kHz, after condition, channel and length policy.

    `cut_s` is what the length policy took away; `silent` means digital silence before the condition.
    """

    samples: "NDArray[np.float32]"
    cut_s: float = 0.0
    silent: bool = False

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE
