"""Which interval is given when, and how often it covers the truth."""

import numpy as np
import pytest

from salmonn_eval.stats.bootstrap import bootstrap_values, percentile_interval
from salmonn_eval.stats.intervals import interval
from salmonn_eval.stats.members import Array, members

TRUTH = 10.0


def percent(stats: Array, weights: Array) -> Array:
    sums = weights @ stats
    with np.errstate(invalid="ignore"):
        return 100 * sums[..., 0] / sums[..., 1]


def speakers(generator: np.random.Generator, count: int, each: int = 20) -> tuple[Array, list[tuple[str, ...]]]:
    """Utterances of speakers who differ: each has an error rate of its own, 10 % on average."""
    own = generator.beta(2, 18, size=(count, 1))
    words = generator.integers(5, 25, size=(count, each))
    errors = generator.binomial(words, own)
    clusters = [(str(speaker),) for speaker in range(count) for _ in range(each)]
    return np.stack([errors.ravel(), words.ravel()], axis=1).astype(float), clusters


@pytest.mark.parametrize(("count", "method"), [(40, "cluster bootstrap, 1000 draws"), (39, "cluster jackknife, t")])
def test_forty_clusters_decide_the_method(count: int, method: str) -> None:
    stats, clusters = speakers(np.random.default_rng(0), count)
    found = interval(percent, stats, clusters)
    assert found is not None
    assert (found.method, found.n_clusters) == (method, count)
    assert (found.caution is None) == (count >= 40)
    assert found.low < percent(stats, np.ones(len(stats))) < found.high


def test_a_proportion_gets_wilsons_interval_however_many_clusters() -> None:
    stats = np.stack([np.arange(100) < 97, np.ones(100)], axis=1).astype(float)
    found = interval(percent, stats, [()] * 100, proportion=True)
    assert found is not None
    assert found.method.startswith("wilson")
    assert 0.9 < found.low < 0.97 < found.high < 1


def test_nothing_wrong_in_a_proportion_still_leaves_doubt() -> None:
    stats = np.ones((60, 2))
    found = interval(percent, stats, [(str(row % 6),) for row in range(60)], proportion=True)
    assert found is not None
    assert (found.high, found.n_clusters) == (1.0, 6)
    assert found.low < 0.65


@pytest.mark.parametrize("count", [10, 60])
def test_an_interval_of_zero_width_is_none(count: int) -> None:
    stats = np.tile([0.0, 7.0], (count, 1))
    assert interval(percent, stats, [()] * count) is None


@pytest.mark.parametrize("proportion", [True, False])
def test_one_cluster_gives_no_interval(proportion: bool) -> None:
    stats = np.stack([np.arange(50) % 2, np.ones(50)], axis=1).astype(float)
    assert interval(percent, stats, [("only",)] * 50, proportion=proportion) is None


def test_no_items_give_no_interval() -> None:
    assert interval(percent, np.zeros((0, 2)), []) is None


def test_the_lower_end_is_no_less_than_a_metric_can_be() -> None:
    stats = np.array([[0, 10], [0, 10], [9, 10]], dtype=float)
    found = interval(percent, stats, [("a",), ("b",), ("c",)])
    assert found is not None
    assert found.low == 0.0


@pytest.mark.parametrize("count", [3, 60])
def test_no_end_lies_beyond_what_a_metric_can_be(count: int) -> None:
    stats = np.tile([10.0, 10.0], (count, 1))
    stats[-1] = [1, 10]
    clusters = [(str(row),) for row in range(count)]
    free = interval(percent, stats, clusters)
    held = interval(percent, stats, clusters, lowest=free.low + 0.1, highest=free.high - 0.1)
    assert (held.low, held.high) == (free.low + 0.1, free.high - 0.1)
    assert interval(percent, stats, clusters, highest=100.0).high == 100.0
    if count == 3:
        assert free.high > 100


def test_draws_that_leave_the_metric_undefined_are_told() -> None:
    stats = np.zeros((50, 2))
    stats[:2] = [[1, 4], [3, 4]]
    found = interval(percent, stats, [()] * 50)
    assert found is not None
    assert "draws, which are left out" in (found.caution or "")


def test_the_same_seed_gives_the_same_interval() -> None:
    stats, clusters = speakers(np.random.default_rng(4), 50)
    assert interval(percent, stats, clusters, seed=1) == interval(percent, stats, clusters, seed=1)
    assert interval(percent, stats, clusters, seed=1) != interval(percent, stats, clusters, seed=2)


def covered(count: int, trials: int, kind: str) -> float:
    generator = np.random.default_rng(20)
    hits = 0
    for trial in range(trials):
        stats, clusters = speakers(generator, count)
        if kind == "interval":
            found = interval(percent, stats, clusters)
            low, high = (found.low, found.high) if found else (0.0, 0.0)
        else:
            who = members([()] * len(stats) if kind == "items" else clusters)
            low, high = percentile_interval(bootstrap_values(percent, stats, who, additive=True, draws=400, seed=trial))
        hits += low <= TRUTH <= high
    return hits / trials


@pytest.mark.slow
def test_with_ten_speakers_the_jackknife_covers_more_than_either_bootstrap() -> None:
    jackknife, clusters, items = (covered(10, 400, kind) for kind in ("interval", "clusters", "items"))
    assert jackknife == pytest.approx(0.91, abs=0.035)
    assert clusters == pytest.approx(0.85, abs=0.045)
    assert items < 0.75


@pytest.mark.slow
def test_with_sixty_speakers_the_bootstrap_covers_nearly_what_it_says() -> None:
    assert covered(60, 300, "interval") == pytest.approx(0.94, abs=0.03)


@pytest.mark.slow
def test_wilson_covers_what_it_says_also_with_few_speakers() -> None:
    generator = np.random.default_rng(8)
    hits = 0
    for _ in range(400):
        own = generator.beta(7, 3, size=12)
        right = generator.binomial(1, own[:, None], size=(12, 15)).ravel()
        stats = np.stack([right, np.ones(180)], axis=1).astype(float)
        found = interval(percent, stats, [(str(row // 15),) for row in range(180)], proportion=True)
        hits += found is not None and found.low <= 0.7 <= found.high
    assert hits / 400 == pytest.approx(0.95, abs=0.03)


def test_bca_is_scipys_over_items_of_their_own():
    """scipy draws otherwise and more often; its ends are met to within what 1,000 draws leave open."""
    from scipy.stats import bootstrap

    values = np.random.default_rng(5).exponential(size=60)
    stats = np.column_stack([values, np.ones(60)])

    def mean(rows, weights):
        sums = weights @ rows
        return sums[..., 0] / sums[..., 1]

    found = interval(mean, stats, [(f"item {n}",) for n in range(60)], method="bca")
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    spread = theirs.high - theirs.low
    assert found.low == pytest.approx(theirs.low, abs=0.06 * spread)
    assert found.high == pytest.approx(theirs.high, abs=0.06 * spread)
    assert found.method == "cluster bootstrap, BCa, 1000 draws"
    standard = interval(mean, stats, [(f"item {n}",) for n in range(60)])
    assert found.high > standard.high  # a skewed metric: the interval is moved to the side of the long tail


def test_bca_leaves_proportions_to_wilson_and_few_clusters_with_a_caution():
    hits = np.column_stack([np.tile([1.0, 0.0, 1.0], 20), np.ones(60)])
    clusters = [(f"speaker {n % 10}",) for n in range(60)]

    def share(rows, weights):
        sums = weights @ rows
        return sums[..., 0] / sums[..., 1]

    assert interval(share, hits, clusters, proportion=True, method="bca").method.startswith("wilson")
    errors = np.column_stack([np.arange(60) % 7, np.full(60, 10.0)])
    found = interval(share, errors, clusters, method="bca")
    assert found.n_clusters == 10
    assert "only 10 clusters" in found.caution
