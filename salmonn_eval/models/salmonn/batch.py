"""Rows in slots: the tensors of a batch that is being decoded, and which columns each of its beams may see."""

from collections.abc import Sequence
from typing import Any

import torch
from msgspec import Struct

from salmonn_eval.models.salmonn.ask import Ask
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.keyvalues import KeyValues
from salmonn_eval.models.salmonn.llm import Llm
from salmonn_eval.models.salmonn.search import Beams, Greedy, advance_beams, advance_greedy

PROMPT_TOKENS = 16_384  # read in one pass, padding included


class Row(Struct, eq=False):
    """A slot's work; `steps` tokens a beam stand behind the prompt."""

    ask: Ask
    search: Greedy | Beams
    steps: int = 0


class Batch:
    """`slots` rows of `beams` beams each, some of them free.

    A row with a prompt of L tokens holds columns 0 to L - 1; the token that beam b reads in step t lies at column
    L + t · beams + b, at position L + t. A beam sees the prompt and the columns of those it descends from.
    """

    def __init__(self, llm: Llm, slots: int, beams: int) -> None:
        self._llm, self._beams = llm, beams
        self._rows: list[Row | None] = [None] * slots
        self._store = KeyValues(slots)
        self._mask = torch.zeros(slots, beams, 0, dtype=torch.bool, device=llm.device)

    @property
    def size(self) -> int:
        """Slots in all."""
        return len(self._rows)

    @property
    def free(self) -> int:
        """Slots without a row."""
        return self._rows.count(None)

    @torch.inference_mode()
    def add(self, rows: Sequence[Row]) -> None:
        """Read the rows' prompts and choose their first tokens; there must be as many free slots."""
        longest = max(len(row.ask.prompt) for row in rows)
        share = max(1, PROMPT_TOKENS // longest)
        for start in range(0, len(rows), share):
            self._read(rows[start : start + share])

    def pop_finished(self) -> list[Row]:
        """The rows that are done; their slots become free."""
        finished = [row for row in self._rows if row is not None and row.search.done]
        self._rows = [None if row is None or row.search.done else row for row in self._rows]
        return finished

    @torch.inference_mode()
    def shrink(self) -> None:
        """Give up the free slots."""
        kept = [slot for slot, row in enumerate(self._rows) if row is not None]
        slots = self._index(kept)
        self._rows = [self._rows[slot] for slot in kept]
        self._mask = self._mask[slots]
        self._store.keep(slots)

    @torch.inference_mode()
    def step(self) -> None:
        """Read every row's last tokens and choose the next."""
        live = [slot for slot, row in enumerate(self._rows) if row is not None]
        rows = [row for row in self._rows if row is not None]
        tokens, positions, columns, parents = (self._index(part) for part in self._reading())
        seen = max(len(row.ask.prompt) + (row.steps + 1) * self._beams for row in rows)
        self._reserve(seen)
        if self._beams > 1:
            self._mask = self._mask.gather(1, parents[:, :, None].expand_as(self._mask))
        self._mask.scatter_(2, columns[:, :, None], True)
        scales = self._llm.scales([None if row is None else row.ask.scale for row in self._rows])
        cache = self._store.stepping(columns, seen)
        logits = self._llm.step(tokens, positions, self._mask[:, :, :seen], cache, scales)
        for row in rows:
            row.steps += 1
        self._choose(rows, logits if len(live) == self.size else logits[self._index(live)])

    def _reading(self) -> tuple[list[list[int]], ...]:
        """Tokens, positions, columns and parents [slots, beams] of the step to come; a free slot reads a dummy."""
        dummy = [0] * self._beams
        parts: tuple[list[list[int]], ...] = ([], [], [], [])
        for row in self._rows:
            read = [dummy] * len(parts)
            if row is not None:
                length = len(row.ask.prompt)
                start = length + row.steps * self._beams
                columns = list(range(start, start + self._beams))
                read = [row.search.tokens, [length + row.steps] * self._beams, columns, row.search.parents]
            for part, numbers in zip(parts, read, strict=True):
                part.append(numbers)
        return parts

    def _read(self, rows: Sequence[Row]) -> None:
        slots = [slot for slot, row in enumerate(self._rows) if row is None][: len(rows)]
        for slot, row in zip(slots, rows, strict=True):
            self._rows[slot] = row
        where, lengths = self._index(slots), self._index([len(row.ask.prompt) for row in rows])
        embeds = embed([row.ask.prompt for row in rows], self._llm.table)
        self._reserve(embeds.shape[1])
        self._mask[where] = (torch.arange(self._mask.shape[2], device=where.device) < lengths[:, None])[:, None]
        scales = self._llm.scales([row.ask.scale for row in rows])
        logits = self._llm.read(embeds, lengths, self._store.filling(where), scales)
        self._choose(rows, logits[:, None])

    def _choose(self, rows: Sequence[Row], logits: torch.Tensor) -> None:
        if self._beams > 1:
            advance_beams([row.search for row in rows if isinstance(row.search, Beams)], logits, len(self._llm.ends))
        else:
            advance_greedy([row.search for row in rows if isinstance(row.search, Greedy)], logits[:, 0])

    def _reserve(self, columns: int) -> None:
        self._store.reserve(columns)
        self._mask = torch.nn.functional.pad(self._mask, (0, self._store.columns - self._mask.shape[2]))

    def _index(self, numbers: Any) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self._llm.device)
