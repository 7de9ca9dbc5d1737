"""The over-fitting index on arrays: one scale for all untrained tasks, chosen where it is not measured."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.stats.bootstrap import DRAWS, SEED
from salmonn_eval.stats.members import Array


class SweepSums(Struct, frozen=True, eq=False):
    """Item values summed within units. `sums` [sets, units, scales], `counts` [sets, units], `tasks` [sets].

    `distance` [scales] is how far each scale lies from the default, whose place is `default`; `fold` [units].
    """

    sums: Array
    counts: Array
    tasks: NDArray[np.int64]
    distance: Array
    default: int
    fold: NDArray[np.int64]

    def means(self, weights: Array) -> Array:
        """Mean value [draws, scales] over tasks of equal weight, a task's sets too, units weighing [draws, units]."""
        return self._over_tasks(self._set_means(weights))

    def best(self, means: Array, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The scale [draws] with the largest mean [draws, scales] among those allowed; ties go nearest the default."""
        order = np.lexsort((np.arange(len(self.distance)), self.distance))
        ranked = np.round(np.nan_to_num(means, nan=-np.inf), 12)
        if allowed is not None:
            ranked = np.where(allowed, ranked, -np.inf)
        chosen: NDArray[np.int64] = order[np.argmax(ranked[:, order], axis=1)]
        return chosen

    def index(self, weights: Array, allowed: NDArray[np.bool_] | None = None) -> tuple[Array, NDArray[np.int64]]:
        """The index [draws], and the scale [draws, folds] that the other folds chose for each fold."""
        folds = range(int(self.fold.max()) + 1)
        chosen = np.stack([self.best(self.means(weights * (self.fold != fold)), allowed) for fold in folds], axis=1)
        gains = np.zeros((len(weights), len(self.sums)))
        gap = self.sums - self.sums[:, :, self.default, None]
        for fold in folds:
            held = weights * (self.fold == fold)
            by_scale = np.einsum("bu,dus->bds", held, gap)
            gains += np.take_along_axis(by_scale, chosen[:, None, fold, None], axis=2)[..., 0]
        totals = weights @ self.counts.T
        shares = np.divide(gains, totals, out=np.full_like(gains, np.nan), where=totals > 0)
        found: Array = self._over_tasks(shares[..., None])[:, 0]
        return found, chosen

    def by_task(self, weights: Array, chosen: NDArray[np.int64]) -> Array:
        """The index's part [tasks] of each task under chosen scales [folds], for weights [units]."""
        gap = self.sums - self.sums[:, :, self.default, None]
        mine = gap[:, np.arange(len(self.fold)), chosen[self.fold]]
        shares = (mine @ weights) / np.maximum(self.counts @ weights, 1e-300)
        found: Array = np.array([shares[self.tasks == task].mean() for task in np.unique(self.tasks)])
        return found

    def _set_means(self, weights: Array) -> Array:
        totals = weights @ self.counts.T
        sums = np.einsum("bu,dus->bds", weights, self.sums)
        found: Array = np.divide(sums, totals[..., None], out=np.full_like(sums, np.nan), where=totals[..., None] > 0)
        return found

    def _over_tasks(self, values: Array) -> Array:
        """Mean [draws, scales] over tasks of the mean over their sets [draws, sets, scales]."""
        with np.errstate(invalid="ignore"):
            tasks = [np.nanmean(values[:, self.tasks == task], axis=1) for task in np.unique(self.tasks)]
            found: Array = np.nanmean(np.stack(tasks), axis=0)
            return found


def resampled(fold: NDArray[np.int64], draws: int = DRAWS, seed: int = SEED) -> Array:
    """How often each unit is drawn [draws, units]: with replacement within each fold, so that folds stay apart."""
    generator = np.random.default_rng(seed)
    counts = np.zeros((draws, len(fold)))
    for one in np.unique(fold):
        places = np.flatnonzero(fold == one)
        counts[:, places] = generator.multinomial(len(places), np.full(len(places), 1 / len(places)), size=draws)
    return counts
