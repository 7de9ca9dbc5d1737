"""Stories: varied, repetitive, ended, and grounded in their own clip."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.registry import build

Make = Callable[..., Answer]


def scorer(metric: str, language: str = "en") -> Scorer:
    return build(metric, {}, ScorerContext("story", language))


def values(scoring: Scorer, *answers: Answer) -> list[float | None]:
    return [measure.value for measure in scoring.measure(answers)]


def test_golden_diversity(golden: Callable[[str], list[dict[str, Any]]], answer: Make) -> None:
    (case,) = golden("diversity")
    scoring = scorer("diversity")
    stats = np.array([measure.stats for measure in scoring.measure(answer(text) for text in case["hyps"])])
    assert stats[:, 0].tolist() == case["expected"]["distinct"]
    assert float(scoring.combine(stats, np.ones(3))) == pytest.approx(case["expected"]["mean_distinct"], abs=1e-6)


def test_words_lose_case_and_ascii_punctuation(answer: Make) -> None:
    text = "Don't! don't; DONT (well-known) wellknown … — ¿"
    assert values(scorer("diversity"), answer(text)) == [2 + 3]


def test_length_earns_nothing_beyond_a_hundred_words(answer: Make) -> None:
    text = " ".join(f"w{number}" for number in range(150))
    assert values(scorer("diversity"), answer(text)) == [150]
    assert values(scorer("distinct_100"), answer(text), answer("a b a"), answer("")) == [100, 2, 0]


def test_repeated_four_grams(answer: Make) -> None:
    once = "the dog ran away and nobody saw it again"
    found = values(scorer("repeat_rate"), answer(once), answer("run away now please " * 10), answer("one two three"))
    assert found == [0, pytest.approx(1 - 4 / 37), 0]


def test_how_answers_ended(answer: Make) -> None:
    ends = ("eos", "length", "unknown")
    measures = list(scorer("eos_rate").measure(answer("x", finish=end) for end in ends))
    assert [measure.value for measure in measures] == [1, 0, None]
    assert [measure.why for measure in measures] == [
        None,
        "the cap on new tokens ended it",
        "how the answer ended is not known",
    ]


@pytest.mark.parametrize(
    ("metric", "worst", "best"),
    [("diversity", 0, 200), ("distinct_100", 0, 100), ("repeat_rate", 1, 0), ("eos_rate", 0, 1), ("grounding", 0, 1)],
)
def test_the_ends_of_each_range(metric: str, worst: float, best: float) -> None:
    scoring = scorer(metric)
    assert scoring.worst(Sample("s")).tolist() == [worst, 1]
    assert scoring.best(Sample("s")).tolist() == [best, 1]


@pytest.mark.parametrize("metric", ["diversity", "distinct_100", "repeat_rate", "grounding"])
def test_words_are_not_counted_where_there_are_no_spaces(metric: str) -> None:
    with pytest.raises(UsageError, match=f"metric '{metric}' cannot count words of 'ja'"):
        scorer(metric, "ja")


@pytest.fixture(scope="module")
def clips(golden: Callable[[str], list[dict[str, Any]]]) -> list[Sample]:
    """Thirty-odd sound scenes with five captions each."""
    case = next(case for case in golden("captions") if case["id"] == "pub-cap-all")
    return [Sample(f"clip{number}", references=tuple(refs)) for number, refs in enumerate(case["refs"])]


def grounding(clips: list[Sample]) -> Scorer:
    scoring = scorer("grounding")
    scoring.prepare(clips)
    return scoring


def told(scoring: Scorer, clips: list[Sample], texts: list[str], answer: Make) -> list[float | None]:
    return values(
        scoring,
        *(answer(text, *clip.references, sample_id=clip.id) for text, clip in zip(texts, clips, strict=True)),
    )


def test_a_story_of_its_own_clip_is_found_and_one_of_another_is_not(clips: list[Sample], answer: Make) -> None:
    scoring = grounding(clips)
    own = [f"Once upon a time {clip.references[0]}, and everybody was there." for clip in clips]
    assert np.mean(told(scoring, clips, own, answer)) > 0.95
    assert np.mean(told(scoring, clips, own[1:] + own[:1], answer)) < 0.2


def test_silence_and_the_same_story_for_all_have_the_chance_of_one_in_ten(clips: list[Sample], answer: Make) -> None:
    scoring = grounding(clips)
    assert told(scoring, clips, [""] * len(clips), answer) == pytest.approx([0.1] * len(clips))
    same = told(scoring, clips, ["a man talks while a dog barks and rain falls"] * len(clips), answer)
    assert np.mean(same) == pytest.approx(0.1, abs=0.1)


def test_the_other_nine_do_not_depend_on_order_or_limit(clips: list[Sample], answer: Make) -> None:
    texts = [clip.references[-1] for clip in clips]
    whole = told(grounding(clips), clips, texts, answer)
    part = told(grounding(list(reversed(clips))), clips[:5], texts[:5], answer)
    assert part == whole[:5]
    assert str(grounding(clips).signature) == str(grounding(list(reversed(clips))).signature)


def test_the_corpus_stands_in_the_signature(clips: list[Sample]) -> None:
    one, other = (str(grounding(chosen).signature) for chosen in (clips, clips[:-1]))
    assert one != other
    assert "|top1-of:10|seed:1|corpus:" in one
    assert "|top1-of:3|" in str(grounding(clips[:3]).signature)


def test_equal_captions_share_the_credit(answer: Make) -> None:
    clips = [Sample("a", references=("a dog barks",)), Sample("b", references=("a dog barks",))]
    clips.append(Sample("c", references=("rain falls",)))
    assert told(grounding(clips), clips[:1], ["the dog barks loudly"], answer) == [0.5]


def test_nothing_to_tell_apart_is_unscored(answer: Make) -> None:
    clip = Sample("a", references=("a dog barks",))
    (measure,) = grounding([clip]).measure([answer("a dog", sample_id="a")])
    assert measure.why == "there are no captions of this clip and of others to tell apart"
