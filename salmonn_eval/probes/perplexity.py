"""Perplexity of reference answers: how well the model knows them given the audio, with and without being asked."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from salmonn_eval.probes.finding import Estimate, Finding
from salmonn_eval.probes.likelihood import Likelihood
from salmonn_eval.scorers.ratio import ratio
from salmonn_eval.stats.members import Array

Groups = dict[tuple[str, str], dict[float | None, dict[str, Likelihood]]]


def log_perplexity(stats: Array, weights: Array) -> Array:
    """-Σ log p / Σ (T + 1), in nats per token, from statistics (log p, T + 1)."""
    return -ratio(stats, weights)


def _instructed(row: Likelihood) -> tuple[float, float]:
    return row.instructed, float(row.tokens)


def _empty(row: Likelihood) -> tuple[float, float]:
    return row.empty, float(row.tokens)


def _marginal(row: Likelihood) -> tuple[float, float]:
    return row.marginal, float(row.tokens)


MEASURES: Mapping[str, Callable[[Likelihood], tuple[float, float]]] = {
    "perplexity_instructed": _instructed,
    "perplexity_empty": _empty,
    "perplexity_marginal": _marginal,
}
"""Statistics by what P is: P(Y|X,I) with the task's instruction; P(Y|X) with none, and over the fixed instructions."""


def perplexities(rows: Iterable[Likelihood], default: float | None) -> Iterator[Finding]:
    """Of every test set and scale the three perplexities, each with its change from the default scale."""
    for (task, dataset), scales in grouped(rows).items():
        for scale, samples in scales.items():
            where = {"task": task, "dataset": dataset, "scale": scale}
            for name, statistics in MEASURES.items():
                estimate = Estimate(name, log_perplexity, lowest=0.0, exponent=True)
                yield estimated(estimate, where, samples, scales.get(default), statistics)


def grouped(rows: Iterable[Likelihood]) -> Groups:
    """Rows by test set, scale and sample, in order; what has a fault is left out."""
    found: Groups = {}
    for row in rows:
        if row.fault is None and math.isfinite(row.instructed):
            scales = found.setdefault((row.task, row.dataset), {})
            scales.setdefault(row.scale, {})[row.sample_id] = row
    return found


def estimated(
    estimate: Estimate,
    where: Mapping[str, object],
    samples: Mapping[str, Likelihood],
    default: Mapping[str, Likelihood] | None,
    statistics: Callable[[Likelihood], Sequence[float]],
) -> Finding:
    """One finding, paired with the same samples at the default scale where that is another one."""
    mine = list(samples.values())
    stats = _array([statistics(row) for row in mine])
    if default is None or default is samples or any(id_ not in default for id_ in samples):
        other = None
    else:
        other = _array([statistics(default[id_]) for id_ in samples])
    return estimate.finding(where, stats, [row.cluster for row in mine], default=other)


def _array(rows: Sequence[Sequence[float]]) -> Array:
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)
