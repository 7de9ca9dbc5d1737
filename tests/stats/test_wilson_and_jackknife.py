"""Wilson's interval and the jackknife against scipy and closed forms."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from salmonn_eval.stats.jackknife import jackknife_se, jackknife_values, t_quantile
from salmonn_eval.stats.members import Array, members
from salmonn_eval.stats.wilson import clustered_wilson, design_effect, wilson


def mean(stats: Array, weights: Array) -> Array:
    sums = weights @ stats
    return sums[..., 0] / sums[..., 1]


def answers(successes: int, trials: int) -> Array:
    hits = np.arange(trials) < successes
    return np.stack([hits, np.ones(trials)], axis=1).astype(float)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (50, 100), (199, 200), (7, 7)])
def test_wilson_equals_scipys(successes: int, trials: int) -> None:
    found = scipy_stats.binomtest(successes, trials).proportion_ci(method="wilson")
    normal = float(scipy_stats.norm.ppf(0.975))
    assert wilson(successes / trials, trials, normal) == pytest.approx((found.low, found.high), abs=1e-12)


def test_independent_items_have_no_design_effect() -> None:
    stats = answers(30, 100)
    who = members([(str(row),) for row in range(100)])
    assert design_effect(stats, who) == pytest.approx(1.0, abs=1e-9)
    assert clustered_wilson(stats, who) == pytest.approx(wilson(0.3, 100, t_quantile(99)))


def test_clusters_that_answer_alike_count_as_one_observation_each() -> None:
    stats = np.repeat(answers(12, 40), 25, axis=0)
    who = members([(str(row // 25),) for row in range(1000)])
    effect = design_effect(stats, who)
    assert effect == pytest.approx(25 * (40 / 39) * (999 / 1000), rel=1e-6)
    low, high = clustered_wilson(stats, who) or (0.0, 0.0)
    assert high - low == pytest.approx(np.diff(wilson(0.3, 1000 / effect, t_quantile(39)))[0])


def test_clusters_that_balance_each_other_never_count_for_more_than_their_trials() -> None:
    stats = np.tile(answers(1, 2), (50, 1))
    assert design_effect(stats, members([(str(row // 2),) for row in range(100)])) == 1.0


@pytest.mark.parametrize("share", [0, 1])
def test_at_the_ends_each_cluster_counts_once(share: int) -> None:
    stats = answers(share * 200, 200)
    who = members([(str(row % 8),) for row in range(200)])
    assert clustered_wilson(stats, who) == pytest.approx(wilson(share, 8, t_quantile(7)))


def test_items_without_a_trial_bring_no_cluster() -> None:
    stats = np.vstack([answers(10, 10), np.zeros((30, 2))])
    who = members([(str(row),) for row in range(40)])
    assert clustered_wilson(stats, who) == pytest.approx(wilson(1.0, 10, t_quantile(9)))


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=25)
    stats = np.stack([values, np.ones(25)], axis=1)
    left_out = jackknife_values(mean, stats, members([()] * 25), additive=True)
    assert jackknife_se(left_out) == pytest.approx(values.std(ddof=1) / 5)


def test_leaving_out_a_speaker_leaves_out_all_its_pairs() -> None:
    stats = np.array([[1, 1], [0, 1], [0, 1], [1, 1]], dtype=float)
    who = members([("a", "b"), ("b", "c"), ("c", "c"), ("a", "a")])
    assert jackknife_values(mean, stats, who, additive=True).tolist() == [0.0, 0.5, 1.0]
