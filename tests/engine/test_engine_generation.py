"""Decoding settings: flag over dataset over suite over task over model card."""

import msgspec
import pytest
from engine_runs import card_of, spec_of

from salmonn_eval.engine.generation import effective_generation
from salmonn_eval.engine.spec import Question
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Capabilities, ModelCard

BEAMS = card_of(capabilities=Capabilities(audio=False, beams=True))


@pytest.fixture
def question() -> Question:
    return spec_of(BEAMS).questions[0]


def layered(question: Question, **layers: dict[str, object]) -> tuple[ModelCard, Question]:
    task = question.task
    dataset = msgspec.structs.replace(question.dataset, generation=layers.get("dataset", {}))
    task = msgspec.structs.replace(
        task, generation=layers.get("task", {"max_new_tokens": 9}), datasets={question.dataset_id: dataset}
    )
    card = msgspec.structs.replace(BEAMS, generation=layers.get("card", {}))
    return card, msgspec.structs.replace(question, task=task)


def test_each_layer_wins_over_those_below(question: Question) -> None:
    order = ("card", "task", "suite", "dataset", "flags")
    for top in range(1, len(order) + 1):
        layers = {name: {"max_new_tokens": 10 * number} for number, name in enumerate(order[:top], start=1)}
        layers.setdefault("task", {})
        card, asked = layered(question, **layers)
        found = effective_generation(card, asked, layers.get("suite", {}), layers.get("flags", {}))
        assert found.max_new_tokens == 10 * top


def test_what_no_layer_names_has_its_complete_default(question: Question) -> None:
    card, asked = layered(question)
    found = effective_generation(card, asked, {}, {})
    assert msgspec.structs.asdict(found) == {
        "max_new_tokens": 9,
        "num_beams": 1,
        "do_sample": False,
        "temperature": 1.0,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "length_penalty": 1.0,
    }


def test_embedded_suites_decode_greedily_and_asr_has_the_release_s_cap(question: Question) -> None:
    from salmonn_eval.tasks.suites import load_suites

    suites = load_suites()
    assert effective_generation(BEAMS, question, suites["mini-real"].generation, {}).num_beams == 1
    paper = effective_generation(BEAMS, question, suites["paper"].generation, {})
    assert (paper.num_beams, paper.max_new_tokens) == (4, 200)


def test_a_model_without_beams_is_asked_for_one_unless_the_command_line_insists(question: Question) -> None:
    plain = card_of()
    assert effective_generation(plain, question, {}, {}).num_beams == 1
    assert effective_generation(plain, question, {}, {"num_beams": 1}).num_beams == 1
    with pytest.raises(UsageError, match="num_beams=4: in-test has no beam search"):
        effective_generation(plain, question, {}, {"num_beams": 4})


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"max_tokens": 5}, "unknown generation setting 'max_tokens'; expected one of max_new_tokens"),
        ({"num_beams": "many"}, "generation settings: .*num_beams"),
        ({"num_beams": None}, "generation settings: .*num_beams"),
        ({"do_sample": 1}, "generation settings: .*do_sample"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0; expected 1 or more"),
        ({"num_beams": -1}, "num_beams is -1; expected 1 or more"),
    ],
)
@pytest.mark.parametrize("card", [BEAMS, card_of()], ids=["beams", "no beams"])
def test_a_setting_that_cannot_be_is_a_usage_error(
    question: Question, card: ModelCard, flags: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        effective_generation(card, question, {}, flags)
