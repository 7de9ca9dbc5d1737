"""What is asked about scenes: gold answers are right by the product's own scorers, and wordings are fair."""

import re
from random import Random

import pytest

from salmonn_eval.nano.language.corpus import draw_example
from salmonn_eval.nano.scoring import task_specs, value
from salmonn_eval.nano.world.instructions import wordings
from salmonn_eval.nano.world.items import TASKS, pronunciations
from salmonn_eval.nano.world.questions import background_questions, spoken_questions
from salmonn_eval.scorers.phones import PHONES
from salmonn_eval.tasks.prompts import render

BEST = {"percent": 0.0, "points": 100.0, "fraction": 1.0}
# Metrics that have no best value for one right answer, or need Java.
NOT_HERE = {
    "meteor",
    "cider",
    "spice",
    "spider",
    "eer",
    "yes_rate",
    "diversity",
    "distinct_100",
    "repeat_rate",
    "grounding",
}


@pytest.fixture(scope="module")
def specs():
    """The tasks by id."""
    return task_specs()


@pytest.mark.parametrize("task", TASKS)
def test_gold_answers_are_perfect(task, specs):
    rng = Random(task)
    examples = [draw_example(rng, "test", task) for _ in range(25)]
    triples = [(one.item, render(wordings()[task][0], one.item.asked), one.item.target) for one in examples]
    for metric in specs[task].metrics:
        if metric.name not in NOT_HERE:
            found = value(specs[task], metric.name, metric.settings, triples)
            least = 0.9 if (task, metric.name) == ("story", "following_rate") else None
            best = 0.0 if metric.name in ("wer", "cer", "per", "osr_wer", "cpwer") else 1.0 if found <= 1 else 100.0
            assert found >= least if least else found == pytest.approx(best), metric


def test_stories_are_long_enough_for_the_rule_of_fifty_words():
    rng = Random(2)
    lengths = [len(draw_example(rng, "train", "story").item.target.split()) for _ in range(200)]
    assert 55 <= min(lengths)
    assert max(lengths) <= 95


def test_the_first_wording_is_the_tasks_own_and_no_paraphrase_is_trained(specs):
    for task, texts in wordings().items():
        assert texts[0].strip() == specs[task].instruction.strip()
        assert len(set(texts)) >= 12
        assert not set(texts) & set(specs[task].paraphrases)


def test_every_word_of_a_paraphrase_occurs_in_some_wording(specs):
    def words(text: str) -> set[str]:
        return set(re.findall(r"[A-Za-z']+|[.,:;?]", text))

    trained = set().union(*(words(text) for texts in wordings().values() for text in texts))
    for task in TASKS:
        for paraphrase in specs[task].paraphrases:
            assert words(paraphrase) <= trained, paraphrase


def test_phones_are_arpabet():
    assert {phone for phones in pronunciations().values() for phone in phones.split()} <= PHONES
    assert pronunciations()["teacher"] == "T IY CH ER"


def test_some_questions_are_held_out_in_each_way_of_asking():
    for deals in (
        [question.deal for question in spoken_questions()],
        [question.deal for question, _ in background_questions()],
    ):
        assert {"train", "test"} <= set(deals)
        assert deals.count("test") / len(deals) < 0.2
