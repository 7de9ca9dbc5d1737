"""Log-probabilities of given continuations, by teacher forcing.

The continuations of one prompt stand one after another in one row behind it. A mask hides them from each other, and the
positions of each go on from the prompt's: the prompt is read once, the numbers are those of one row a continuation.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch
from msgspec import Struct
from msgspec.structs import replace
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from salmonn_eval.models.protocol import OutOfMemoryError
from salmonn_eval.models.salmonn.ask import Forced
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.llm import Llm
from salmonn_eval.models.salmonn.prompt import Prompt

CONTINUED = 512  # tokens of continuations behind one prompt; further ones get a row of their own
PADDING = -1


def logprobs(llm: Llm, forced: Iterable[Forced], rows: int) -> Iterator[tuple[float, ...]]:
    """Natural-log probabilities of every token of every continuation, in order, `rows` prompts in one pass.

    Raises OutOfMemoryError if one row alone does not fit the device, UsageError for a prompt that fills the model.
    """
    packed = (row for one in forced for row in _packed(one))
    while some := list(islice(packed, rows)):
        yield from _scored(llm, some)


def _packed(forced: Forced) -> Iterator[Forced]:
    """The same continuations in rows of bounded length."""
    row: list[tuple[int, ...]] = []
    for continuation in forced.continuations:
        if row and sum(map(len, row)) + len(continuation) > CONTINUED:
            yield replace(forced, continuations=tuple(row))
            row = []
        row.append(continuation)
    if row:
        yield replace(forced, continuations=tuple(row))


def _scored(llm: Llm, rows: Sequence[Forced]) -> list[tuple[float, ...]]:
    """One pass; where it does not fit the device, two of half the rows."""
    try:
        return _pass(llm, rows)
    except torch.cuda.OutOfMemoryError as fault:
        if len(rows) == 1:
            raise OutOfMemoryError(f"one prompt does not fit the device: {fault}") from fault
    torch.cuda.empty_cache()
    half = len(rows) // 2
    return _scored(llm, rows[:half]) + _scored(llm, rows[half:])


class _Layout(Struct, frozen=True, eq=False):
    """Of each place in a row: its position, its segment (0: the prompt), and of each target its place and its id."""

    positions: Tensor
    segments: Tensor
    places: Tensor
    targets: Tensor


def _layout(row: Forced, device: torch.device) -> _Layout:
    length = len(row.prompt)
    positions, segments = list(range(length)), [0] * length
    places: list[int] = []
    targets: list[int] = []
    for number, continuation in enumerate(row.continuations, start=1):
        start = len(positions)
        places += [length - 1, *range(start, start + len(continuation) - 1)]
        targets += continuation
        positions += range(length, length + len(continuation) - 1)
        segments += [number] * (len(continuation) - 1)
    numbers = (torch.tensor(part, device=device) for part in (positions, segments, places, targets))
    return _Layout(*numbers)


@torch.inference_mode()
def _pass(llm: Llm, rows: Sequence[Forced]) -> list[tuple[float, ...]]:
    for row in rows:
        llm.room(row.prompt)
    layouts = [_layout(row, llm.device) for row in rows]
    segments = pad_sequence([layout.segments for layout in layouts], batch_first=True, padding_value=PADDING)
    positions = pad_sequence([layout.positions for layout in layouts], batch_first=True)
    mask = ((segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])).tril()
    first = min(len(row.prompt) for row in rows) - 1
    embeds = embed([_read(row) for row in rows], llm.table)
    logits = llm.force(embeds, positions, mask, first, llm.scales([row.scale for row in rows]))
    scored: list[tuple[float, ...]] = []
    for row, layout, line in zip(rows, layouts, logits, strict=True):
        line = line[layout.places - first]
        values = iter((line.gather(1, layout.targets[:, None])[:, 0] - line.logsumexp(-1)).tolist())
        scored += [tuple(islice(values, len(continuation))) for continuation in row.continuations]
    return scored


def _read(row: Forced) -> Prompt:
    """The prompt and all of the continuations that the model reads: everything but each one's last token."""
    read = tuple(token for continuation in row.continuations for token in continuation[:-1])
    return replace(row.prompt, suffix_ids=(*row.prompt.suffix_ids, *read))
