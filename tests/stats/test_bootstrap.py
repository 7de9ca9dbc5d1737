"""Cluster bootstrap against numpy's own draws and against first principles."""

import json
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from salmonn_eval.stats.bootstrap import bootstrap_values, percentile_interval
from salmonn_eval.stats.members import Array, members

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "metrics" / "bootstrap.json"


def rate(stats: Array, weights: Array) -> Array:
    sums = weights @ stats
    with np.errstate(invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def test_equals_the_resampling_that_two_other_tools_agree_on() -> None:
    case = next(case for case in json.loads(GOLDEN.read_text("utf-8"))["cases"] if case["id"] == "pub-boot-wer")
    pairs = [(h.split(), r.split()) for h, r in zip(case["hyps"], case["refs"], strict=True)]
    stats = np.array([[Levenshtein.distance(h, r), len(r)] for h, r in pairs], dtype=float)
    values = bootstrap_values(rate, stats, members([()] * len(stats)), additive=True, seed=12345)
    low, high = percentile_interval(values)
    expected = case["expected"]
    assert values.mean() == pytest.approx(expected["boot_mean"], abs=1e-12)
    assert (low, high) == pytest.approx((expected["ci_low"], expected["ci_high"]), abs=1e-12)


@pytest.mark.parametrize("additive", [True, False])
def test_a_cluster_is_drawn_whole(additive: bool) -> None:
    stats = np.array([[1, 1], [1, 1], [0, 1], [0, 1], [0, 1]], dtype=float)
    clusters = [("a",), ("a",), ("b",), ("b",), ("b",)]
    values = bootstrap_values(rate, stats, members(clusters), additive=additive)
    assert set(np.round(values, 9)) == {0.0, 0.4, 1.0}


def test_summing_within_clusters_changes_no_draw() -> None:
    generator = np.random.default_rng(3)
    stats = generator.integers(0, 9, size=(300, 2)).astype(float) + 1
    clusters = [(str(name),) for name in generator.integers(0, 50, 300)]
    summed, plain = (bootstrap_values(rate, stats, members(clusters), additive=flag) for flag in (True, False))
    assert np.allclose(summed, plain, atol=1e-12)


def test_a_pair_weighs_the_product_of_its_speakers_and_a_lone_speaker_once() -> None:
    who = members([("a", "b"), ("a", "a"), ("b", "c")])
    assert who.size == 3
    assert who.weights(np.array([2.0, 3.0, 0.0])).tolist() == [6.0, 2.0, 0.0]


@pytest.mark.parametrize("additive", [True, False])
def test_pairs_summed_or_not_give_the_same_draws(additive: bool) -> None:
    generator = np.random.default_rng(5)
    ends = generator.integers(0, 12, size=(200, 2))
    clusters = [(str(a), str(b)) for a, b in ends]
    stats = np.stack([generator.random(200), np.ones(200)], axis=1)
    drawn = np.random.default_rng(12345).integers(0, 12, size=(1000, 12))
    names = {name: index for index, name in enumerate(dict.fromkeys(name for pair in clusters for name in pair))}
    expected = []
    for row in drawn[:20]:
        counts = np.bincount(row, minlength=12)
        weights = [counts[names[a]] * (counts[names[b]] if a != b else 1) for a, b in clusters]
        expected.append(np.average(stats[:, 0], weights=weights))
    assert np.allclose(bootstrap_values(rate, stats, members(clusters), additive=additive)[:20], expected)


def test_the_draws_do_not_depend_on_how_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = np.random.default_rng(1).random((77, 2))
    who = members([()] * 77)
    whole = bootstrap_values(rate, stats, who, additive=True)
    monkeypatch.setattr("salmonn_eval.stats.bootstrap._CELLS", 1_000)
    assert np.array_equal(bootstrap_values(rate, stats, who, additive=True), whole)


def test_an_item_of_three_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="item 1 has 3 clusters"):
        members([("a",), ("a", "b", "c")])
