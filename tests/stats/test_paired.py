"""Paired comparison of two systems, against exact enumeration, scipy and simulation."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from salmonn_eval.stats.decisions import holm, mcnemar
from salmonn_eval.stats.members import Array, members
from salmonn_eval.stats.paired import POWER, compare
from salmonn_eval.stats.randomisation import TRIALS, randomise, together


def rate(stats: Array, weights: Array) -> Array:
    sums = weights @ stats
    with np.errstate(invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def utterances(
    seed: int, speakers: int, gain: float = 0.0, each: int = 8
) -> tuple[Array, Array, list[tuple[str, ...]]]:
    """Edits and words of two systems; what is hard, and which system suits it, differs between speakers."""
    draw = np.random.default_rng(seed)
    words = draw.integers(5, 25, speakers * each)
    level = np.repeat(draw.uniform(0.05, 0.25, speakers), each)
    leaning = np.repeat(draw.normal(0, 0.04, speakers), each)
    sides = [draw.binomial(words, np.clip(level + lean, 0, 1)) for lean in (leaning + gain, -leaning)]
    a, b = (np.stack([side, words], axis=1).astype(float) for side in sides)
    return a, b, [(f"s{index // each}",) for index in range(speakers * each)]


@pytest.mark.parametrize("additive", [True, False])
def test_few_clusters_are_swapped_in_every_way(additive: bool) -> None:
    a, b, clusters = utterances(1, speakers=6, gain=0.03)
    found = compare(rate, a, b, clusters, additive=additive)
    sums = [side.reshape(6, -1, 2).sum(axis=1) for side in (a, b)]
    gaps = []
    for pattern in product((0, 1), repeat=6):
        sides = [sum(sums[flip ^ side][i] for i, flip in enumerate(pattern)) for side in (0, 1)]
        gaps.append(abs(sides[0][0] / sides[0][1] - sides[1][0] / sides[1][1]))
    expected = np.mean(np.array(gaps) >= gaps[0] - 1e-12)
    assert (found.chance.exact, found.chance.trials, found.chance.units) == (True, 64, 6)
    assert found.chance.p == pytest.approx(expected)
    assert found.value == pytest.approx(rate(a, np.ones(48)) - rate(b, np.ones(48)))


def test_many_clusters_are_swapped_ten_thousand_times_and_agree_with_the_normal_law() -> None:
    a, b, clusters = utterances(2, speakers=200, gain=0.01)
    found = compare(rate, a, b, clusters)
    assert (found.chance.exact, found.chance.trials, TRIALS) == (False, 10_000, 10_000)
    assert (
        found.value is not None and found.se is not None and found.chance.p is not None and found.detectable is not None
    )
    z = abs(found.value) / found.se
    assert found.chance.p == pytest.approx(2 * _upper_tail(z), abs=0.02)
    assert found.detectable == pytest.approx(POWER * found.se)
    assert POWER == pytest.approx(1.959964 + 0.841621, abs=0.01)


def _upper_tail(z: float) -> float:
    from scipy.stats import norm

    return float(norm.sf(z))


def test_swapping_clusters_keeps_a_true_null_and_swapping_items_does_not() -> None:
    """Twelve speakers who lean to one system or the other: the null of no difference on average is true."""
    rejected = {"clusters": 0, "items": 0}
    for seed in range(150):
        a, b, clusters = utterances(100 + seed, speakers=12, each=20)
        for unit, who in (("clusters", clusters), ("items", [()] * len(clusters))):
            rejected[unit] += (randomise(rate, a, b, who, trials=500).p or 1.0) <= 0.05
    assert rejected["clusters"] <= 15
    assert rejected["items"] >= 25


def test_the_interval_of_the_difference_is_paired() -> None:
    """What both systems find hard cancels: the difference is known better than either system's rate."""
    draw = np.random.default_rng(4)
    words = np.full(400, 20.0)
    hard = draw.integers(0, 10, 400)
    a, b = np.stack([hard + 1, words], axis=1), np.stack([hard, words], axis=1)
    a[:5, 0] += 1
    found = compare(rate, a, b, [()] * 400)
    alone = compare(rate, a, np.stack([np.zeros(400), words], axis=1), [()] * 400)
    assert found.ci is not None and alone.ci is not None
    assert found.ci.high - found.ci.low < (alone.ci.high - alone.ci.low) / 10
    assert found.ci.low < 0.05 + 5 / 8000 < found.ci.high
    assert found.chance.p == pytest.approx(1 / 10_001)


def test_a_negative_difference_keeps_its_lower_end() -> None:
    a, b, clusters = utterances(5, speakers=60)
    more = b + np.array([2.0, 0.0])
    found, turned = compare(rate, a, more, clusters), compare(rate, more, a, clusters)
    assert found.ci is not None and turned.ci is not None
    assert found.ci.high < 0 < turned.ci.low
    assert (found.ci.low, found.ci.high) == pytest.approx((-turned.ci.high, -turned.ci.low))
    assert found.chance.p == turned.chance.p


def test_equal_systems_do_not_differ() -> None:
    a, _, clusters = utterances(6, speakers=10)
    found = compare(rate, a, a, clusters)
    assert (found.value, found.ci, found.chance.p) == (0.0, None, 1.0)


def test_items_of_linked_speakers_are_one_unit() -> None:
    trials = [("a", "b"), ("b", "c"), ("d", "d"), ("c", "a"), ("e", "f"), ("f", "g")]
    assert together(members(trials)).tolist() == [0, 0, 1, 0, 2, 2]
    stats = np.ones((3, 2))
    linked = compare(rate, stats, stats * [0, 1], [("a", "b"), ("b", "c"), ("c", "a")])
    assert (linked.chance.p, linked.chance.units) == (None, 1)
    assert linked.value == 1.0


def test_one_cluster_has_a_difference_but_no_test() -> None:
    found = compare(rate, np.ones((2, 2)), np.array([[0, 1.0], [1, 1]]), [("s",), ("s",)])
    assert (found.value, found.ci, found.chance.p, found.se, found.detectable) == (0.5, None, None, None, None)


@pytest.mark.parametrize(("only_a", "only_b", "same"), [(9, 2, 40), (5, 5, 0), (0, 7, 3), (1, 0, 0)])
def test_mcnemar_is_the_exact_binomial_of_the_items_that_differ(only_a: int, only_b: int, same: int) -> None:
    a = np.array([1.0] * only_a + [0.0] * only_b + [1.0] * same)
    b = np.array([0.0] * only_a + [1.0] * only_b + [1.0] * same)
    expected = binomtest(only_a, only_a + only_b).pvalue
    assert mcnemar(a, b, [(str(item),) for item in range(len(a))]) == pytest.approx(expected)


def test_mcnemar_needs_independent_items_that_differ() -> None:
    a, b = np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.0])
    assert mcnemar(a, b, [("s",), ("s",), ("t",)]) is None
    assert mcnemar(a, b, [("s", "t"), ("u", "v"), ("w", "x")]) is None
    assert mcnemar(a, a, [(), (), ()]) == 1.0


def test_holm_adjusts_in_order_of_evidence() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
