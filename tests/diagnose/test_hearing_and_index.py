"""By simulation: outputs that ignore the audio are not heard, pure noise is no over-fitting, walks stop at doubt."""

import numpy as np
import pytest

from salmonn_eval.diagnose.crossfit import SweepSums, resampled
from salmonn_eval.diagnose.folds import folds
from salmonn_eval.diagnose.hearing import permutation_p
from salmonn_eval.diagnose.overfitting import gatekept

SIZES = (35, 32, 24, 100)
SETS = (0, 0, 0, 0, 0, 1, 2, 3)
TASKS = np.array([0, 1, 2, 3, 4, 5, 6, 4])
"""As the mini sets: five share 35 voices, two have 32 and 24 clusters, one a hundred clips; two sets are one task."""


def noise(generator: np.random.Generator) -> SweepSums:
    starts = np.cumsum([0, *SIZES])
    counts, sums = np.zeros((8, 191)), np.zeros((8, 191, 5))
    voices = generator.normal(size=(191, 5))
    for place, kind in enumerate(SETS):
        units = np.arange(starts[kind], starts[kind + 1])
        counts[place, units] = (
            1 if len(units) == 100 else 1 + generator.multinomial(100 - len(units), [1 / len(units)] * len(units))
        )
        own = 0.15 * (voices[units] + generator.normal(size=(len(units), 5)))
        jitter = 0.3 * generator.normal(size=(len(units), 5)) * np.sqrt(counts[place, units])[:, None]
        sums[place, units] = counts[place, units][:, None] * own + jitter
    return SweepSums(sums, counts, TASKS, np.array([4.0, 3, 2, 1, 0]), 4, folds(counts > 0))


def test_pure_noise_has_an_index_of_nought_and_its_interval_covers_it() -> None:
    generator = np.random.default_rng(3)
    found, covered = [], []
    for _ in range(150):
        sweep = noise(generator)
        found.append(sweep.index(np.ones((1, 191)))[0][0])
        low, high = np.percentile(sweep.index(resampled(sweep.fold, 200))[0], [2.5, 97.5])
        covered.append(low <= 0 <= high)
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    assert np.mean(covered) >= 0.95


def test_choosing_the_scale_on_the_items_it_is_measured_on_would_not() -> None:
    generator = np.random.default_rng(4)
    gains = []
    for _ in range(60):
        means = noise(generator).means(np.ones((1, 191)))[0]
        gains.append(means.max() - means[4])
    assert np.mean(gains) > 5 * np.std(gains) / np.sqrt(len(gains))


def test_answers_that_ignore_the_audio_have_uniform_p_values() -> None:
    generator = np.random.default_rng(5)
    strata = np.repeat([0, 1], [20, 30])
    values = [permutation_p(generator.random((50, 50)), strata, 499) for _ in range(200)]
    assert 0.4 < np.mean(values) < 0.6
    assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.045)
    assert permutation_p(np.eye(50), strata, 9_999) == pytest.approx(1e-4)


def test_a_scale_is_proven_only_with_all_between_it_and_the_default() -> None:
    assert gatekept([True, False, True, True, False, True], 3).tolist() == [False, False, True, True, False, False]
