"""Batched decoding that equals batch 1: rows stop one by one, leave, and are replaced while the others go on.

New prompts are read together (a causal pass, padded on the right) into free slots; every step then reads one token a
beam in every slot. What a row sees is its own prompt and its beams' own tokens, wherever its neighbours stand.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch

from salmonn_eval.models.protocol import OutOfMemoryError
from salmonn_eval.models.salmonn.ask import Answer, Ask
from salmonn_eval.models.salmonn.batch import Batch, Row
from salmonn_eval.models.salmonn.llm import Llm
from salmonn_eval.models.salmonn.search import begin

REFILL_SHARE = 0.25  # reading prompts costs about a step of all slots: wait until so many slots are free


class Decoder:
    """Answers asks with one language model. `slots` halves when the device's memory is short, and stays halved."""

    def __init__(self, llm: Llm, slots: int) -> None:
        self.slots = slots
        self._llm = llm

    def decode(self, asks: Iterable[Ask], note: Callable[[str], object] = str) -> Iterator[Answer]:
        """Answers as they are finished, in any order; asks are pulled as slots become free. `note` is told of halvings.

        Rows of different beam counts do not share a batch: one kind is finished before the other begins. Raises
        OutOfMemoryError when one row alone does not fit the device, UsageError for a prompt without room for an answer.
        """
        feed = _Feed(asks)
        while first := feed.take(self.slots):
            unfinished = list(first)
            try:
                for row in self._rows(first, feed, unfinished):
                    yield self._answer(row)
                continue
            except torch.cuda.OutOfMemoryError as fault:
                if self.slots == 1:
                    raise OutOfMemoryError(f"one prompt does not fit the device: {fault}") from fault
            # Not in the handler, where the fault's traceback would still hold the batch's tensors.
            torch.cuda.empty_cache()
            self.slots = (self.slots + 1) // 2
            note(f"the device's memory was short: from now on {self.slots} rows are answered at a time")
            feed.put_back(unfinished)

    def _rows(self, first: Sequence[Ask], feed: "_Feed", unfinished: list[Ask]) -> Iterator[Row]:
        """Decode `first` and what else the feed has of their kind; `unfinished` is what was begun and not yet given."""
        beams = first[0].generation.num_beams
        batch = Batch(self._llm, len(first), beams)
        batch.add([self._row(ask) for ask in first])
        while True:
            done = batch.pop_finished()
            unfinished[:] = [ask for ask in unfinished if all(ask is not row.ask for row in done)]
            yield from done
            if batch.free >= math.ceil(REFILL_SHARE * batch.size):
                new = feed.take(batch.free, beams)
                unfinished.extend(new)
                if new:
                    batch.add([self._row(ask) for ask in new])
                    continue
                if batch.free == batch.size:
                    return
                batch.shrink()
            batch.step()

    def _row(self, ask: Ask) -> Row:
        limit = min(ask.generation.max_new_tokens, self._llm.room(ask.prompt))
        return Row(ask, begin(ask.key, ask.generation, self._llm.ends, limit))

    def _answer(self, row: Row) -> Answer:
        ids = row.search.answer
        ended = bool(ids) and ids[-1] in self._llm.ends
        return Answer(row.ask.key, ids, "eos" if ended else "length", len(row.ask.prompt), row.search.margin)


class _Feed:
    """Asks yet to be begun."""

    def __init__(self, asks: Iterable[Ask]) -> None:
        self._asks = iter(asks)
        self._ahead: list[Ask] = []

    def take(self, count: int, beams: int | None = None) -> list[Ask]:
        """Up to `count` of the next asks, as long as they have so many beams (None: as many as the first)."""
        taken: list[Ask] = []
        while len(taken) < count and (ask := self._next()) is not None:
            beams = ask.generation.num_beams if beams is None else beams
            if ask.generation.num_beams != beams:
                self._ahead.insert(0, ask)
                break
            taken.append(ask)
        return taken

    def put_back(self, asks: Iterable[Ask]) -> None:
        """These come next."""
        self._ahead[:0] = asks

    def _next(self) -> Ask | None:
        return self._ahead.pop(0) if self._ahead else next(self._asks, None)
