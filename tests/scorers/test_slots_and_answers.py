"""Slot values and short answers, and what a copy of the transcript earns."""

from collections.abc import Callable

import numpy as np
import pytest

from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.phrases import PhraseReader, holds, without
from salmonn_eval.scorers.registry import build

Make = Callable[..., Answer]
CONTEXT = ScorerContext("sf", "en", rule="answers_speech")
SLURP = [
    ("event reminder mona tuesday", {"event_name": "mona", "date": "tuesday"}),
    (
        "put meeting with pawel for tomorrow ten am",
        {"event_name": "meeting", "person": "pawel", "date": "tomorrow", "time": "ten am"},
    ),
    ("can you give me the movie schedule", {"event_name": "movie"}),
    ("please send a mail to my friend divya how are you", {"relation": "friend", "person": "divya"}),
    ("take out the milk from the shopping list", {"list_name": "shopping"}),
]
"""Sentences of SLURP's test set with their slots (Bastianelli et al. 2020, text CC BY 4.0)."""
MEETING = SLURP[1][1]


def scorer(metric: str, **settings: str) -> Scorer:
    return build(metric, settings, CONTEXT)


def slot_answers(answer: Make, said: Callable[[str, str, str], str], *, transcript: bool = True) -> list[Answer]:
    return [
        answer(
            said(sentence, slot.replace("_", " "), value),
            value,
            transcript=sentence if transcript else None,
            slot=slot.replace("_", " "),
            slots=slots,
        )
        for sentence, slots in SLURP
        for slot, value in slots.items()
    ]


def score(scoring: Scorer, answers: list[Answer]) -> float:
    stats = np.array([measure.stats for measure in scoring.measure(answers)])
    return float(scoring.combine(stats, np.ones(len(stats))))


def test_a_copy_of_the_transcript_does_not_win(answer: Make) -> None:
    """Plain containment gives a copied transcript everything: 1.00, as much as it gives right answers."""
    copies = slot_answers(answer, lambda sentence, slot, value: sentence)
    right = slot_answers(answer, lambda sentence, slot, value: f"The {slot} is {value}.")
    assert (score(scorer("slot_contains"), copies), score(scorer("slot_contains"), right)) == (1.0, 1.0)
    assert (score(scorer("slot_accuracy"), copies), score(scorer("slot_accuracy"), right)) == (0.0, 1.0)


def test_without_a_transcript_the_other_slots_find_a_copy_out(answer: Make) -> None:
    """Eight of the ten questions are about sentences with several slots: there the copy earns nothing."""
    copies = slot_answers(answer, lambda sentence, slot, value: sentence, transcript=False)
    assert len(copies) == 10
    assert score(scorer("slot_contains"), copies) == 1.0
    assert score(scorer("slot_accuracy"), copies) == pytest.approx(0.2)
    assert score(scorer("slot_accuracy", items="several"), copies) == 0.0
    right = slot_answers(answer, lambda sentence, slot, value: value, transcript=False)
    assert score(scorer("slot_accuracy", items="several"), right) == 1.0


def test_single_slot_samples_do_not_count_among_several(answer: Make) -> None:
    scoring = scorer("slot_accuracy", items="several")
    given = answer("movie", "movie", slot="event name", slots={"event_name": "movie"})
    (measure,) = scoring.measure([given])
    assert (measure.stats, measure.value, measure.why) == ((0, 0), None, "the sample has one slot only")
    assert scoring.worst(given[0]).tolist() == scoring.best(given[0]).tolist() == [0, 0]
    several = answer("", "mona", slot="event name", slots=SLURP[0][1])[0]
    assert scoring.worst(several).tolist() == [0, 1]
    assert "|items:several|" in str(scoring.signature)


@pytest.mark.parametrize(
    ("text", "value", "hit"),
    [
        ("At 10 AM", "ten am", True),
        ("It is 10 a.m.", "ten am", True),
        ("ten o'clock", "ten am", False),
        ("twenty five", "five", False),
        ("25", "twenty five", True),
        ("the café", "the café", True),
        ("movies", "movie", False),
        ("Thunder Movie Club", "movie", True),
        ("", "movie", False),
    ],
)
def test_a_value_is_found_however_its_numbers_are_written(text: str, value: str, hit: bool, answer: Make) -> None:
    (measure,) = scorer("slot_contains").measure([answer(text, value)])
    assert measure.value == hit


def test_a_miss_tells_why(answer: Make) -> None:
    said = ["ten am", "ten am tomorrow", "at noon", "put meeting with pawel for tomorrow ten am", "地址是十点"]
    given = [
        answer(text, "ten am", transcript=SLURP[1][0], slot="time", slots={k: [v] for k, v in MEETING.items()})
        for text in said
    ]
    assert [measure.why for measure in scorer("slot_accuracy").measure(given)] == [
        None,
        "the value of another slot is in the answer: tomorrow",
        "the value is not in the answer",
        "not followed: transcript",
        "not followed: not language",
    ]


def test_another_slots_value_inside_the_asked_one_is_no_fault(answer: Make) -> None:
    slots = {"drink": "iced coffee", "size": "large iced coffee mug", "kind": "coffee"}
    ok, bad = scorer("slot_accuracy").measure(
        answer(text, "large iced coffee mug", slot="size", slots=slots)
        for text in ("a large iced coffee mug", "a large iced coffee mug of coffee")
    )
    assert (ok.value, bad.value) == (1, 0)


def test_what_was_left_and_right_of_a_value_does_not_join() -> None:
    units = without("new ten am york".split(), ("ten", "am"))
    assert holds(units, ("new",)) and not holds(units, ("new", "york"))
    assert without("a b a b".split(), ("a", "b")) == without("a b".split(), ("a", "b")) * 2
    assert not holds(units, ())


def test_values_in_languages_without_spaces_are_runs_of_characters() -> None:
    reader = PhraseReader("zh-CN")
    assert holds(reader.units("我要去北京站。"), reader.phrase("北京"))
    assert not holds(reader.units("我要去北方京都"), reader.phrase("北京"))
    assert reader.signature == (("norm", "plain.1"), ("unit", "char"))


@pytest.mark.parametrize(
    ("text", "golds", "hit"),
    [
        ("The highest peak is Mount Everest.", ("Mount Everest",), True),
        ("Everest", ("Mount Everest", "Everest"), True),
        ("It lies in the Eiffel Tower", ("an Eiffel Tower",), True),
        ("There are 3 of them", ("three",), True),
        ("I know nothing", ("no",), False),
        ("No, there are not.", ("no",), True),
        ("Yes and no", ("no",), False),
        ("That is not known yet", ("Yes",), False),
        ("", ("x",), False),
    ],
)
def test_short_answers(text: str, golds: tuple[str, ...], hit: bool, answer: Make) -> None:
    scoring = build("answer_accuracy", {}, ScorerContext("sqa", "en", rule="answer"))
    (measure,) = scoring.measure([answer(text, *golds)])
    assert measure.value == hit


def test_a_question_said_back_is_no_answer_though_it_holds_it(answer: Make) -> None:
    question = "is mount everest or k2 the highest mountain"
    scoring = build("answer_accuracy", {}, CONTEXT)
    copied, answered = scoring.measure(
        answer(text, "Mount Everest", transcript=question) for text in (question, "It is Mount Everest.")
    )
    assert (copied.value, copied.why) == (0, "not followed: transcript")
    assert (answered.value, answered.answer) == (1, "Mount Everest")


def test_questions_without_a_short_gold_answer_are_counted_not_scored(answer: Make) -> None:
    scoring = build("answer_accuracy", {}, CONTEXT)
    long = "Mount Everest is the highest mountain of the earth above the level of the sea"
    none, sentence, both = scoring.measure([answer("x"), answer(long, long), answer("Everest", long, "Everest")])
    assert none.why == "the question has no gold answer"
    assert sentence.why == "every gold answer is longer than 10 words: containment cannot judge it"
    assert (both.status, both.value) == ("scored", 1)
