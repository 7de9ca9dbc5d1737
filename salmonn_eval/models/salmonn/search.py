"""How the next token is chosen: greedy, sampled, or by beams. One object a row, all rows in one tensor operation.

Beam search follows transformers' (`early_stopping=False`): the same candidates, the same order, the same end, so that
the ids are the library's. Scores are sums of log-probabilities over length ** length_penalty, where the length counts
the end of sequence. Repetition penalty counts generated tokens only, as the library does for embedded prompts.
"""

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from salmonn_eval.records import Generation


class Greedy:
    """The likeliest token, or with `do_sample` one drawn by the row's own generator, seeded by `key`."""

    def __init__(self, key: str, generation: Generation, ends: frozenset[int], limit: int) -> None:
        self.generation, self._ends, self._limit = generation, ends, limit
        self.history: list[int] = []
        self.parents = [0]
        self.done = limit < 1
        self.margin = math.inf
        self._random = torch.Generator().manual_seed(_seed(key)) if generation.do_sample else None

    @property
    def tokens(self) -> list[int]:
        """The last token."""
        return self.history[-1:]

    @property
    def answer(self) -> tuple[int, ...]:
        """All tokens."""
        return tuple(self.history)

    def draw(self) -> float:
        """The next number of the row's own generator, in [0, 1)."""
        return float(torch.rand((), generator=self._random, dtype=torch.float64))

    def advance(self, token: int, margin: float) -> None:
        """Take the chosen token."""
        self.history.append(token)
        self.margin = min(self.margin, margin)
        self.done = token in self._ends or len(self.history) >= self._limit


class Beams:
    """The best `num_beams` beginnings, and the best `num_beams` finished answers."""

    def __init__(self, generation: Generation, ends: frozenset[int], limit: int) -> None:
        self.generation, self._ends, self._limit = generation, ends, limit
        self.width = generation.num_beams
        self.scores = [0.0]
        self.histories: list[tuple[int, ...]] = [()]
        self.parents = [0] * self.width
        self.done = limit < 1
        self.margin = math.inf
        self._finished: list[tuple[float, tuple[int, ...]]] = []

    @property
    def tokens(self) -> list[int]:
        """The last token of each beam."""
        return [history[-1] for history in self.histories]

    @property
    def answer(self) -> tuple[int, ...]:
        """The best finished answer."""
        return self._finished[0][1] if self._finished else ()

    def advance(self, scores: Sequence[float], parents: Sequence[int], tokens: Sequence[int]) -> None:
        """Take the candidates: at least twice as many as beams, best first, each going on from one beam."""
        length = len(self.histories[0]) + 1
        final = length >= self._limit
        histories = [(*self.histories[parent], token) for parent, token in zip(parents, tokens, strict=True)]
        running = [] if final else [i for i, token in enumerate(tokens) if token not in self._ends]
        ended = [i for i in range(self.width) if final or tokens[i] in self._ends]
        self._margin(scores[self.width - 1] - scores[self.width])
        self._finished += [(scores[i] / self._norm(length), histories[i]) for i in ended]
        self._finished.sort(key=lambda item: -item[0])
        del self._finished[self.width :]
        if not final:
            if len(running) > self.width:
                self._margin(scores[running[self.width - 1]] - scores[running[self.width]])
            running = running[: self.width]
            self.scores = [scores[i] for i in running]
            self.histories = [histories[i] for i in running]
            self.parents = [parents[i] for i in running]
        self.done = final or self._settled(length)
        if self.done and len(self._finished) > 1:
            self._margin(self._finished[0][0] - self._finished[1][0])

    def _settled(self, length: int) -> bool:
        """No beginning can overtake, going by its score at its present length."""
        if len(self._finished) < self.width:
            return False
        gap = self.scores[0] / self._norm(length) - self._finished[-1][0]
        self._margin(abs(gap))
        return gap <= 0

    def _norm(self, length: int) -> float:
        return float(length**self.generation.length_penalty)

    def _margin(self, gap: float) -> None:
        self.margin = min(self.margin, gap)


def begin(key: str, generation: Generation, ends: frozenset[int], limit: int) -> Greedy | Beams:
    """One row's search as `generation` asks for, of at most `limit` tokens; `ends` are the ends of sequence.

    After each advance, `tokens` [beams] are to be read next, beam i going on from beam `parents[i]` of the step before.
    When `done`, `answer` holds the generated ids, the end of sequence with them if it was reached. `margin` is the
    smallest gap that decided anything so far: where it exceeds rounding, another batch gives the same ids.
    """
    if generation.num_beams > 1:
        return Beams(generation, ends, limit)
    return Greedy(key, generation, ends, limit)


def advance_greedy(searches: Sequence[Greedy], logits: Tensor) -> None:
    """Choose a token a row from `logits` [rows, vocabulary], float32."""
    logits = _penalised(logits, [search.history for search in searches], searches)
    best = logits.topk(2)
    tokens: list[int] = best.indices[:, 0].tolist()
    margins: list[float] = (best.values[:, 0] - best.values[:, 1]).tolist()
    sampled = [row for row, search in enumerate(searches) if search.generation.do_sample]
    if sampled:
        drawn = _drawn(logits[sampled], [searches[row] for row in sampled])
        for row, token, margin in zip(sampled, *drawn, strict=True):
            tokens[row], margins[row] = token, margin
    for search, token, margin in zip(searches, tokens, margins, strict=True):
        search.advance(token, margin)


def advance_beams(searches: Sequence[Beams], logits: Tensor, ends: int) -> None:
    """Go one token on from `logits` [rows, beams, vocabulary], float32; at a row's start [rows, 1, vocabulary].

    `ends` is the number of different ends of sequence. That many more candidates than beams leave enough to go on.
    """
    rows, beams, vocabulary = logits.shape
    histories = [history for search in searches for history in search.histories]
    each = [search for search in searches for _ in search.histories]
    values = _penalised(logits.log_softmax(-1).flatten(0, 1), histories, each).view(rows, beams, vocabulary)
    values = values + torch.tensor([search.scores for search in searches], device=logits.device)[:, :, None]
    best = values.flatten(1).topk(max(2, 1 + ends) * searches[0].width)
    found = (best.values, best.indices // vocabulary, best.indices % vocabulary)
    scores, parents, tokens = (part.tolist() for part in found)
    for row, search in enumerate(searches):
        search.advance(scores[row], parents[row], tokens[row])


def _penalised(scores: Tensor, histories: Sequence[Sequence[int]], searches: Sequence[Greedy | Beams]) -> Tensor:
    """Divide (below zero: multiply) the scores of what was generated before by the row's repetition penalty."""
    penalties = [search.generation.repetition_penalty for search in searches]
    if all(penalty == 1.0 for penalty in penalties) or not any(histories):
        return scores
    scores = scores.clone()
    for row, (history, penalty) in enumerate(zip(histories, penalties, strict=True)):
        seen = torch.tensor(sorted(set(history)), dtype=torch.long, device=scores.device)
        old = scores[row, seen]
        scores[row, seen] = torch.where(old < 0, old * penalty, old / penalty)
    return scores


def _drawn(logits: Tensor, searches: Sequence[Greedy]) -> tuple[list[int], list[float]]:
    """Draw from the nucleus: the fewest tokens, likeliest first, that together reach top_p (Holtzman et al. 2020).

    A row's number comes from its own generator, so neither its neighbours nor the device's generator matter. The margin
    is how far, in probability, the number lies from the next token's share.
    """
    settings = [(search.generation.temperature, search.generation.top_p, search.draw()) for search in searches]
    temperature, top_p, drawn = torch.tensor(settings, dtype=torch.float64, device=logits.device)[:, :, None].unbind(1)
    shares, order = (logits.double() / temperature).softmax(-1).sort(descending=True, stable=True)
    before = shares.cumsum(-1) - shares
    shares = shares.masked_fill(before >= top_p, 0.0)
    heaped = shares.cumsum(-1)
    point = drawn * heaped[:, -1:]
    place = torch.searchsorted(heaped, point, right=True).clamp(max=order.shape[1] - 1)
    above = heaped.gather(1, place) - point
    margins = torch.minimum(above, shares.gather(1, place) - above)
    return order.gather(1, place).flatten().tolist(), margins.flatten().tolist()


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
