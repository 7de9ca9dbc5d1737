"""Variance components of columns: a textbook's numbers, and by simulation what clusters do to F, interval and worst."""

import numpy as np
import pytest

from salmonn_eval.stats.components import component, worst_column

VOICES = np.repeat(np.arange(35), [3] * 30 + [2] * 5)
"""A hundred items of 35 voices, as the mini sets have them."""


def own(n: int) -> list[tuple[str, ...]]:
    return [(f"item {row}",) for row in range(n)]


def drawn(generator: np.random.Generator, columns: int, sd: float, voice: float = 0.3) -> np.ndarray:
    """Items that differ, prompts with a deviation `sd`, and noise of which a part is common to a voice and prompt."""
    items = generator.normal(0, 0.3, (100, 1))
    prompts = generator.normal(0, sd, (1, columns)) if sd else np.zeros((1, columns))
    shared = generator.normal(0, voice, (35, columns))[VOICES]
    found: np.ndarray = items + prompts + shared + generator.normal(0, 0.3, (100, columns))
    return found


def test_the_mean_squares_are_those_of_a_two_way_analysis_of_variance() -> None:
    """Against sums written out: 4 items by 3 prompts."""
    values = np.array([[9.0, 8, 7], [6, 5, 3], [8, 8, 5], [4, 2, 2]])
    grand = values.mean()
    between = 4 * ((values.mean(axis=0) - grand) ** 2).sum() / 2
    total = ((values - grand) ** 2).sum()
    residual = (total - 3 * ((values.mean(axis=1) - grand) ** 2).sum() - 2 * between) / 6
    found = component(values, own(4))
    assert found.df == (2, 6)
    assert found.f == pytest.approx(between / residual)
    assert found.variance == pytest.approx((between - residual) / 4)


def test_no_effect_is_found_in_one_of_twenty_though_items_of_a_voice_err_together() -> None:
    generator = np.random.default_rng(1)
    clusters = [(f"voice {voice}",) for voice in VOICES]
    tables = [drawn(generator, 6, 0.0) for _ in range(300)]
    p = np.array([component(table, clusters).p for table in tables], dtype=np.float64)
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.035)
    blind = np.array([component(table, own(100)).p for table in tables], dtype=np.float64)
    assert np.mean(blind < 0.05) > 0.15, "items taken for independent would find prompts that do not matter"


def test_the_interval_holds_the_true_deviation_and_the_component_has_no_bias() -> None:
    generator = np.random.default_rng(2)
    clusters = [(f"voice {voice}",) for voice in VOICES]
    found = [component(drawn(generator, 6, 0.15), clusters) for _ in range(300)]
    held = [one.ci is not None and one.ci.low <= 0.15 <= one.ci.high for one in found]
    assert np.mean(held) == pytest.approx(0.95, abs=0.035)
    assert np.mean([one.variance for one in found]) == pytest.approx(0.15**2, rel=0.12)


def test_the_worst_of_five_lies_points_below_the_mean_by_chance_alone() -> None:
    """A hundred hits or misses: without any effect the worst of five prompts is some five points down."""
    generator = np.random.default_rng(3)
    drops, p = [], []
    for _ in range(60):
        hits = (generator.random((100, 5)) < 0.5).astype(np.float64)
        found = worst_column(hits, own(100), trials=200)
        drops.append((found.drop, found.expected))
        p.append(found.p)
    real, expected = np.mean(drops, axis=0)
    assert 0.04 < real < 0.07
    assert expected == pytest.approx(real, abs=0.01)
    assert np.mean(np.array(p) < 0.05) < 0.15
    hits[:, 2] *= generator.random(100) < 0.4
    told = worst_column(hits, own(100))
    assert told.column == 2 and told.p < 0.01 and told.drop > told.most


def test_columns_that_are_all_alike_have_no_interval_and_no_test() -> None:
    found = component(np.tile([[1.0], [0.0], [0.5]], (1, 4)), own(3))
    assert (found.variance, found.sd, found.ci, found.p) == (0.0, 0.0, None, None)
