"""Selection: does the instruction choose between the asked answer and the one an over-fitted model falls back to?"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from salmonn_eval.probes.finding import Estimate, Finding
from salmonn_eval.probes.likelihood import Likelihood
from salmonn_eval.probes.perplexity import estimated, grouped
from salmonn_eval.scorers.ratio import ratio

TIE = 0.01  # nats: a smaller difference is no preference


def difference(row: Likelihood) -> float:
    """D = [L(a|Ia) - L(b|Ia)] - [L(a|Ib) - L(b|Ib)] in nats: by how much the instruction moves the choice."""
    return (row.instructed - row.rival_instructed) - (row.answer_rivalled - row.rival_rivalled)


def moved(row: Likelihood) -> float:
    """1 where the instruction moves the choice its way, 0 the other way, half for a tie."""
    gap = difference(row)
    return 0.5 if abs(gap) < TIE else float(gap > 0)


def decided(row: Likelihood) -> float:
    """1 where each instruction gets its own answer: it decides the choice."""
    return float(row.instructed > row.rival_instructed and row.rival_rivalled > row.answer_rivalled)


def fallen(row: Likelihood) -> float:
    """1 where the rival wins under the task's own instruction."""
    return float(row.rival_instructed > row.instructed)


MEASURES: Sequence[tuple[Estimate, Callable[[Likelihood], tuple[float, float]]]] = (
    (Estimate("contrast", ratio, proportion=True), lambda row: (moved(row), 1.0)),
    (Estimate("decides", ratio, proportion=True), lambda row: (decided(row), 1.0)),
    (Estimate("rival_wins", ratio, proportion=True), lambda row: (fallen(row), 1.0)),
    (
        Estimate("difference_per_token", ratio),
        lambda row: (difference(row), float(row.tokens + row.rival_tokens)),
    ),
)


def selections(rows: Iterable[Likelihood], default: float | None) -> Iterator[Finding]:
    """Of every test set that has a rival answer, at every scale, with the change from the default scale."""
    for (task, dataset), scales in grouped(row for row in rows if row.rival_tokens).items():
        for scale, samples in scales.items():
            for estimate, statistics in MEASURES:
                where = {"task": task, "dataset": dataset, "scale": scale}
                yield estimated(estimate, where, samples, scales.get(default), statistics)
