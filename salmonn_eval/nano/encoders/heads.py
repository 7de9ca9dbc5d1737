"""What is asked of an encoder's output while it is trained; the heads are thrown away afterwards."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.nano.encoders.targets import NOT


class CtcHead(nn.Module):
    """Connectionist temporal classification over outputs averaged `pool` by `pool`.

    Unpooled, an encoder that starts from nothing stays where it answers blank to everything.
    """

    def __init__(self, size: int, classes: int, pool: int) -> None:
        super().__init__()
        self.pool = pool
        self.linear = nn.Linear(size, classes + 1)

    def forward(self, outputs: Tensor) -> Tensor:
        """Log-probabilities [B, T // pool, classes + 1] of outputs [B, T, size]; 0 is the blank."""
        pooled = F.avg_pool1d(outputs.transpose(1, 2), self.pool).transpose(1, 2)
        scores: Tensor = self.linear(pooled).float().log_softmax(-1)
        return scores

    def loss(self, outputs: Tensor, lengths: Sequence[int], targets: Sequence[Sequence[int]]) -> Tensor:
        """Mean over clips of the loss by target length; `lengths` [B] of outputs count before pooling."""
        scores = self(outputs).transpose(0, 1)
        flat = torch.tensor([number for target in targets for number in target], dtype=torch.long)
        sizes = torch.tensor([len(target) for target in targets])
        steps = torch.tensor([max(1, min(length // self.pool, len(scores))) for length in lengths])
        loss = F.ctc_loss(scores, flat, steps, sizes, reduction="none", zero_infinity=True)
        return (loss / sizes.clamp(min=1)).mean()

    @torch.no_grad()
    def read(self, outputs: Tensor, lengths: Sequence[int]) -> list[list[int]]:
        """The best path's ids."""
        best = self(outputs).argmax(-1).tolist()
        found = []
        for row, length in zip(best, lengths, strict=True):
            steps = row[: max(1, length // self.pool)]
            pairs = zip(steps, [0, *steps], strict=False)
            found.append([number for number, before in pairs if number and number != before])
        return found


class ClassHead(nn.Module):
    """One class for a stretch of outputs, from their mean and deviation."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * size, classes)

    def forward(self, stretches: Sequence[Tensor]) -> Tensor:
        """Scores [N, classes] of stretches [T_i, size]."""
        found = [torch.cat([one.mean(0), one.float().std(0, correction=0).to(one.dtype)]) for one in stretches]
        scores: Tensor = self.linear(torch.stack(found)).float()
        return scores

    def loss(self, stretches: Sequence[Tensor], classes: Sequence[int]) -> Tensor:
        """Cross entropy over the stretches whose class is told; 0 if none is."""
        known = [pair for pair in zip(stretches, classes, strict=True) if pair[1] != NOT]
        if not known:
            return torch.zeros(())
        return F.cross_entropy(self([one for one, _ in known]), torch.tensor([number for _, number in known]))


def voice_stretches(
    outputs: Tensor, lengths: Sequence[int], parts: Sequence[Sequence[int]]
) -> tuple[list[Tensor], list[int]]:
    """Where each voice speaks alone, in outputs [B, T, size]: the clip, or of two in a row the first and last third."""
    stretches: list[Tensor] = []
    classes: list[int] = []
    for row, length, voices in zip(outputs, lengths, parts, strict=True):
        heard = row[: max(length, 3)]
        if len(voices) == 1:
            stretches.append(heard)
        elif len(voices) == 2:
            stretches += [heard[: len(heard) // 3], heard[-(len(heard) // 3) :]]
        classes += voices
    return stretches, classes
