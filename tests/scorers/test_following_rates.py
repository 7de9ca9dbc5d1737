"""Our following rate and the paper's."""

from collections.abc import Callable

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.base import Answer, ScorerContext
from salmonn_eval.scorers.registry import build

Make = Callable[..., Answer]
SPOKEN = "what is the highest mountain in the world"


def test_following_rate_counts_yes_among_yes_and_no(answer: Make) -> None:
    scoring = build("following_rate", {}, ScorerContext("sqqa", "en", rule="answers_speech"))
    measures = list(
        scoring.measure(
            [answer("Mount Everest.", transcript=SPOKEN), answer(SPOKEN, transcript=SPOKEN), answer("Mount Everest.")]
        )
    )
    assert [measure.followed for measure in measures] == ["yes", "no", "undetermined"]
    assert [measure.status for measure in measures] == ["scored", "scored", "unscored"]
    assert measures[1].why == "transcript"
    stats = np.array([measure.stats for measure in measures[:2]])
    assert float(scoring.combine(stats, np.ones(2))) == 0.5


def test_following_uses_the_tasks_settings_labels_and_language(answer: Make) -> None:
    context = ScorerContext("story", "en", rule="story", rule_settings={"min_words": 3})
    scoring = build("following_rate", {}, context)
    assert next(iter(scoring.measure([answer("a man talks")]))).followed == "yes"
    assert "settings:" in str(scoring.signature)
    labelled = build("following_rate", {}, ScorerContext("er", "en", {"happy": (), "sad": ()}, "one_label"))
    assert [m.followed for m in labelled.measure([answer("happy"), answer("happy, sad")])] == ["yes", "no"]


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (ScorerContext("t"), "needs a following rule"),
        (ScorerContext("t", rule="wrods"), "task 't': following rule 'wrods' does not exist"),
        (ScorerContext("t", rule="words", rule_settings={"x": 1}), "has no setting 'x'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_before_anything_is_scored(context: ScorerContext, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        build("following_rate", {}, context)


@pytest.mark.parametrize(
    ("text", "passed"),
    [("Mount Everest.", 1), ("", 1), (SPOKEN.upper() + "?", 0), ("what is the highest mountain in this world", 0)],
)
def test_the_papers_rate_for_spoken_questions_passes_even_the_empty_answer(
    text: str, passed: int, answer: Make
) -> None:
    scoring = build("fr_paper", {}, ScorerContext("sqqa", "en", rule="answers_speech"))
    assert next(iter(scoring.measure([answer(text, transcript=SPOKEN)]))).value == passed


def test_the_papers_limit_itself_passes(answer: Make) -> None:
    scoring = build("fr_paper", {}, ScorerContext("sqqa", "en", rule="answers_speech"))
    ten = "one two three four five six seven eight nine ten"
    for said, passed in (("four five six seven eight nine ten", 1), ("three four five six seven eight nine ten", 0)):
        assert next(iter(scoring.measure([answer(said, transcript=ten)]))).value == passed


def test_the_papers_rate_for_stories_counts_words(answer: Make) -> None:
    scoring = build("fr_paper", {}, ScorerContext("story", "en", rule="story"))
    assert [m.value for m in scoring.measure([answer("word " * 49), answer("word " * 50)])] == [0, 1]


def test_the_papers_rate_is_refused_where_the_paper_has_none() -> None:
    with pytest.raises(UsageError, match="set `criterion"):
        build("fr_paper", {}, ScorerContext("asr", "en", rule="words"))
    assert build("fr_paper", {"criterion": "words"}, ScorerContext("asr", "en", rule="words")).proportion


def test_without_a_transcript_the_papers_rate_is_unscored(answer: Make) -> None:
    scoring = build("fr_paper", {}, ScorerContext("sf", "en", rule="answers_speech"))
    assert next(iter(scoring.measure([answer("tuesday")]))).status == "unscored"
