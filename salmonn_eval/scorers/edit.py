"""Edit distance between a hypothesis and the nearest of its references."""

from collections.abc import Sequence

from msgspec import Struct
from rapidfuzz.distance import Levenshtein


class Edits(Struct, frozen=True):
    """Substitutions, deletions and insertions together, and the length of the reference they were counted against.

    Only the total is kept: how it splits into kinds depends on how ties are broken.
    """

    edits: int
    units: int


def edits(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> Edits:
    """Fewest edits to any of the references; of references equally near the longest counts.

    Units are whole strings (words, phones, or the characters of a `str`), never numbers: rapidfuzz compares by hash and
    holds -1 and -2, or "a" and 97, for the same. An empty reference costs one insertion a unit.
    """
    distances = [Edits(Levenshtein.distance(hypothesis, reference), len(reference)) for reference in references]
    return min(distances, key=lambda found: (found.edits, -found.units))
