"""One number of a diagnosis, with its interval, in the one form that all probes share."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.records import ConditionKind, Interval
from salmonn_eval.stats.intervals import interval
from salmonn_eval.stats.members import Array, Combine

Clusters = Sequence[tuple[str, ...]]
SCHEMA = 1


class Finding(Struct, frozen=True, omit_defaults=True):
    """`measure` of a test set at a scale. `value` is None where it could not be had; `why` then says the reason.

    `change` is the paired difference from the model's default scale on the same samples, where that was asked too.
    """

    task: str
    dataset: str
    measure: str
    scale: float | None = None
    condition: ConditionKind = "none"
    value: float | None = None
    ci: Interval | None = None
    n: int = 0
    why: str | None = None
    change: float | None = None
    change_ci: Interval | None = None


class Diagnosis(Struct, frozen=True):
    """One file of a diagnosis: which, of what, and its findings in order of test set, scale and measure."""

    diagnosis: str
    model: str
    default_scale: float | None
    findings: tuple[Finding, ...]
    schema: int = SCHEMA


class Estimate(Struct, frozen=True):
    """How a measure is made of per-sample statistics [n, K]; what its values can be bounds its interval.

    `exponent`: `combine` gives the measure's logarithm, on which interval and change are estimated; value and interval
    are then told as the measure itself, the change as a difference of logarithms.
    """

    measure: str
    combine: Combine
    proportion: bool = False
    lowest: float = -math.inf
    highest: float = math.inf
    exponent: bool = False

    def finding(
        self, where: Mapping[str, Any], stats: Array, clusters: Clusters, *, default: Array | None = None
    ) -> Finding:
        """The estimate at `where` (task, dataset, scale ...).

        `default` holds the same samples' statistics at the scale that this one is held against.
        """
        if not len(stats):
            return Finding(**where, measure=self.measure, why="no sample that it can be told of")
        value = float(self.combine(stats, np.ones(len(stats))))
        if not np.isfinite(value):
            return Finding(**where, measure=self.measure, n=len(stats), why="not defined on these samples")
        ci = interval(
            self.combine, stats, clusters, proportion=self.proportion, lowest=self.lowest, highest=self.highest
        )
        if self.proportion and ci is not None:
            ci = replace(ci, low=max(0.0, ci.low), high=min(1.0, ci.high))  # rounding may leave them
        found: dict[str, Any] = {"value": value, "ci": ci, "n": len(stats)}
        if default is not None:
            found |= self._change(stats, default, clusters)
        if self.exponent:
            found["value"] = math.exp(value)
            found["ci"] = ci and replace(ci, low=math.exp(ci.low), high=math.exp(ci.high))
        return Finding(**where, measure=self.measure, **found)

    def _change(self, stats: Array, default: Array, clusters: Clusters) -> dict[str, Any]:
        """The paired difference and its interval: the same clusters are drawn for both."""
        both, size = np.hstack([stats, default]), stats.shape[1]

        def gap(rows: Array, weights: Array) -> Array:
            return self.combine(rows[:, :size], weights) - self.combine(rows[:, size:], weights)

        value = float(gap(both, np.ones(len(both))))
        return {"change": value, "change_ci": interval(gap, both, clusters, lowest=-math.inf)}
