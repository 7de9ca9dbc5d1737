"""Keys and values of the rows being decoded: every row has a slot, every token of it a column.

A row's prompt fills the first columns of its slot; what it generates follows, one column a beam and step. Which of them
a beam may see is the mask's affair: beams share their prompt's keys, nothing is copied when they branch, and a new row
takes over a slot without touching its neighbours. Keys are stored rotated, so that a column has no position of its own.
"""

import math
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

COLUMN_STEP = 128  # room is made for this many tokens more than asked, so that it is made seldom


class KeyValues:
    """Two buffers [slots, heads, columns, head_dim] a layer."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._columns = 0
        self._layers: dict[int, list[Tensor]] = {}

    @property
    def columns(self) -> int:
        """How many columns there is room for."""
        return self._columns

    def reserve(self, columns: int) -> None:
        """Make room for at least so many columns."""
        if columns <= self._columns:
            return
        self._columns = math.ceil(columns / COLUMN_STEP) * COLUMN_STEP
        for buffers in self._layers.values():
            buffers[:] = [self._grown(buffer) for buffer in buffers]

    def keep(self, slots: Tensor) -> None:
        """Keep only these slots, in this order."""
        self._slots = len(slots)
        for buffers in self._layers.values():
            buffers[:] = [buffer[slots] for buffer in buffers]

    def filling(self, slots: Tensor) -> Cache:
        """The cache for a forward pass over prompts: row i is written into slot `slots[i]`, from column 0 on."""
        return _Filling(self, slots)

    def stepping(self, columns: Tensor, seen: int) -> Cache:
        """The cache for a step: tokens go to `columns` [slots, beams], and the first `seen` columns are shown."""
        return _Stepping(self, columns, seen)

    def buffers(self, layer: int, like: Tensor) -> list[Tensor]:
        """Keys and values of a layer, made at first use in the manner of `like` [rows, heads, tokens, head_dim]."""
        if layer not in self._layers:
            shape = (self._slots, like.shape[1], self._columns, like.shape[3])
            self._layers[layer] = [like.new_zeros(shape), like.new_zeros(shape)]
        return self._layers[layer]

    def _grown(self, buffer: Tensor) -> Tensor:
        slots, heads, columns, size = buffer.shape
        grown = buffer.new_zeros((slots, heads, self._columns, size))
        grown[:, :, :columns] = buffer
        return grown


class _Filling(Cache):
    """Writes prompts; they see nothing but themselves."""

    def __init__(self, store: KeyValues, slots: Tensor) -> None:
        super().__init__(layers=[])
        self._store, self._slots = store, slots

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        for buffer, new in zip(self._store.buffers(layer_idx, key_states), (key_states, value_states), strict=True):
            buffer[self._slots, :, : new.shape[2]] = new
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0


class _Stepping(Cache):
    """Writes one token a beam, and shows all columns in use."""

    def __init__(self, store: KeyValues, columns: Tensor, seen: int) -> None:
        super().__init__(layers=[])
        self._store, self._columns, self._seen = store, columns, seen
        self._rows = torch.arange(len(columns), device=columns.device)[:, None]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        both = self._store.buffers(layer_idx, key_states)
        for buffer, new in zip(both, (key_states, value_states), strict=True):
            buffer[self._rows, :, self._columns] = new.transpose(1, 2)
        return both[0][:, :, : self._seen], both[1][:, :, : self._seen]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self._seen
