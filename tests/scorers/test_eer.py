"""Equal error rate against definitions and a search over thresholds."""

from collections.abc import Callable

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext, Stats
from salmonn_eval.scorers.eer import NO_LOGPROBS
from salmonn_eval.scorers.registry import build
from salmonn_eval.stats.intervals import interval

Make = Callable[..., Answer]
YES_NO: dict[str, tuple[str, ...]] = {"yes": (), "no": ()}


def scorer() -> Scorer:
    return build("eer", {}, ScorerContext("sv", "en", YES_NO))


def trials(seed: int, count: int, apart: float) -> Stats:
    draw = np.random.default_rng(seed)
    targets = draw.integers(0, 2, count).astype(float)
    return np.stack([draw.normal(apart * targets, 1), targets], axis=1)


def searched(stats: Stats) -> tuple[float, float]:
    """(lowest max, highest min) of the two error rates over all thresholds: the EER lies between them."""
    scores, targets = stats[:, 0], stats[:, 1] == 1
    ends = [
        ((scores[targets] <= threshold).mean(), (scores[~targets] > threshold).mean())
        for threshold in [-np.inf, *np.unique(scores)]
    ]
    return max(min(pair) for pair in ends), min(max(pair) for pair in ends)


@pytest.mark.parametrize("seed", range(20))
def test_it_lies_where_the_two_error_rates_cross(seed: int) -> None:
    stats = trials(seed, 60, 1.0)
    low, high = searched(stats)
    assert low - 1e-9 <= float(scorer().combine(stats, np.ones(60))) / 100 <= high + 1e-9


def test_normal_scores_two_deviations_apart_give_the_known_rate() -> None:
    stats = trials(1, 200_000, 2.0)
    assert float(scorer().combine(stats, np.ones(len(stats)))) == pytest.approx(15.866, abs=0.2)


def test_ends_and_ties() -> None:
    right = np.array([[2.0, 1], [1.0, 1], [-1.0, 0], [-2.0, 0]])
    same = np.array([[0.0, 1], [0.0, 0], [0.0, 1], [0.0, 0]])
    combine = scorer().combine
    assert float(combine(right, np.ones(4))) == 0
    assert float(combine(right * [-1, 1], np.ones(4))) == 100
    assert float(combine(same, np.ones(4))) == pytest.approx(50)
    assert np.isnan(combine(right[:2], np.ones(2)))


def test_weights_repeat_trials_and_need_no_sum() -> None:
    stats = trials(3, 40, 1.0)
    weights = np.random.default_rng(4).integers(0, 3, size=(5, 40)).astype(float)
    found = scorer().combine(stats, weights)
    for row, value in zip(weights, found, strict=True):
        repeated = np.repeat(stats, row.astype(int), axis=0)
        assert value == pytest.approx(float(scorer().combine(repeated, np.ones(len(repeated)))))
    assert scorer().additive is False


def test_log_odds_come_from_the_answer(answer: Make) -> None:
    scoring = scorer()
    given = [
        answer("Yes", labels=("yes",), label_logprobs={"yes": -0.1, "no": -2.5}),
        answer("No", labels=("no",)),
        answer("No", labels=("no",), label_logprobs={"yes": float("-inf"), "no": 0.0}),
        answer("No", labels=("perhaps",), label_logprobs={"yes": -1, "no": -1}),
    ]
    measures = list(scoring.measure(given))
    assert measures[0].stats == pytest.approx((2.4, 1.0))
    assert [measure.why for measure in measures[1:]] == [
        NO_LOGPROBS,
        "the log-odds of yes and no are -inf",
        "the correct label 'perhaps' is none of yes, no",
    ]


def test_it_has_an_interval_over_speakers_and_ends() -> None:
    stats = trials(5, 300, 1.5)
    draw = np.random.default_rng(6)
    pairs = [(f"s{a}", f"s{b}") for a, b in draw.integers(0, 50, size=(300, 2))]
    found = interval(scorer().combine, stats, pairs, additive=False)
    assert found is not None
    assert found.low < float(scorer().combine(stats, np.ones(300))) < found.high


def test_worst_and_best_are_certain_answers(answer: Make) -> None:
    scoring = scorer()
    samples = [answer("", labels=(label,))[0] for label in ("yes", "no", "yes", "no")]
    for end, expected in ((scoring.worst, 100), (scoring.best, 0)):
        assert float(scoring.combine(np.array([end(sample) for sample in samples]), np.ones(4))) == expected


def test_other_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="needs the labels yes and no, but task 'er' has happy"):
        build("eer", {}, ScorerContext("er", "en", {"happy": ()}))
