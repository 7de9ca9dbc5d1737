"""Several runs over the samples that all of them have: values made anew on the intersection."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue
from salmonn_eval.report.likeness import SUBSET
from salmonn_eval.report.matching import refuse_other_items
from salmonn_eval.report.rows import UNKNOWN
from salmonn_eval.report.scored import ScoredMetric, ScoredRun, ScoredSet
from salmonn_eval.stats.intervals import interval


def on_common(runs: Sequence[ScoredRun]) -> list[list[MetricValue]]:
    """The values (reading `all`) of each run over the samples that every run with that test set has and scored.

    `asked` then tells the intersection. Raises UsageError where a sample is another in another run, or none is common.
    """
    shared: dict[tuple[str, str], set[str]] = {}
    first: dict[str, ScoredSet] = {}
    for run in runs:
        for scored in run.sets:
            held = first.setdefault(scored.name, scored)
            refuse_other_items(scored.name, held, scored, held.variant.prompt_set != scored.variant.prompt_set)
            for metric in scored.metrics:
                ids = {i for i, row in metric.rows.items() if row.status == "scored"}
                key = scored.name, metric.value.signature
                shared[key] = shared[key] & ids if key in shared else ids
    for (name, signature), ids in shared.items():
        if not ids:
            raise UsageError(f"--common: {name} {signature.partition('|')[0]}: no sample is scored in every run")
    return [
        [
            _value(scored, metric, shared[scored.name, metric.value.signature])
            for scored in run.sets
            for metric in scored.metrics
        ]
        + [value for scored in run.sets for value in scored.missing]
        for run in runs
    ]


def _value(scored: ScoredSet, metric: ScoredMetric, shared: set[str]) -> MetricValue:
    ids = [i for i in metric.rows if i in shared]
    stats = np.array([metric.rows[i].stats for i in ids], dtype=np.float64)
    scorer = metric.scorer
    point = float(scorer.combine(stats, np.ones(len(ids))))
    followed = [metric.rows[i].followed for i in ids]
    return msgspec.structs.replace(
        metric.value,
        value=point if np.isfinite(point) else None,
        ci=interval(
            scorer.combine,
            stats,
            [scored.cluster(i) for i in ids],
            proportion=scorer.proportion,
            additive=scorer.additive,
            highest=1.0 if scorer.unit == "fraction" else np.inf,
        ),
        bounds=None,
        n_planned=len(ids),
        n_scored=len(ids),
        n_unscored=0,
        n_error=0,
        n_followed=followed.count("yes"),
        n_undetermined=followed.count("undetermined"),
        asked="|".join(_asked(metric.value.asked, len(ids))),
        why=None,
    )


def _asked(asked: str, n: int) -> Iterator[str]:
    """The question without what tells its subset, which is now the same, and how many samples are common."""
    if asked == UNKNOWN:
        yield asked
        return
    yield from (part for part in asked.split("|") if part.partition(":")[0] not in SUBSET)
    yield f"common:{n}"
