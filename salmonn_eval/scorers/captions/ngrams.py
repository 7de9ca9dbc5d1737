"""Word n-grams of orders 1 to 4."""

from collections import Counter
from collections.abc import Sequence

ORDERS = 4
Ngram = tuple[str, ...]


def ngram_counts(words: Sequence[str]) -> Counter[Ngram]:
    """How often each n-gram of every order up to 4 stands in the words."""
    return Counter(
        tuple(words[start : start + order]) for order in range(1, ORDERS + 1) for start in range(len(words) - order + 1)
    )
