"""An answer laid beside the nearest of its references, edit by edit: what readers look at, not what is counted."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from rapidfuzz.distance import Levenshtein

Edit = Literal["equal", "substitute", "delete", "insert"]
_EDITS: dict[str, Edit] = {"equal": "equal", "replace": "substitute", "delete": "delete", "insert": "insert"}


class Block(Struct, frozen=True):
    """`size` units of one kind: of the reference (none where inserted) and of the answer (none where deleted)."""

    edit: Edit
    size: int


class Alignment(Struct, frozen=True):
    """Units of the chosen reference and of the answer, and the blocks that turn the one into the other.

    The number of edits is the scorers' own (`scorers.edit`); how it splits into kinds is one of several equal ways.
    """

    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def edits(self) -> int:
        """Substitutions, deletions and insertions together."""
        return sum(block.size for block in self.blocks if block.edit != "equal")


def align(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> Alignment:
    """Align with the reference that `scorers.edit.edits` counts against: the nearest, of equally near ones the longest.

    Raises ValueError without a reference.
    """
    nearest = min(references, key=lambda one: (Levenshtein.distance(hypothesis, one), -len(one)))
    blocks = tuple(
        Block(_EDITS[step.tag], max(step.src_end - step.src_start, step.dest_end - step.dest_start))
        for step in Levenshtein.opcodes(nearest, hypothesis)
    )
    return Alignment(tuple(nearest), tuple(hypothesis), blocks)
