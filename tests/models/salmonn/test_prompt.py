import pytest
import torch
from parity import MODELS, case
from speaking import TEMPLATE, instruction, tokenizer

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn.prompt import PromptBuilder


@pytest.mark.parametrize("name", MODELS)
def test_tokens_equal_the_reference_s(name):
    found = case(f"model/{name}")
    prompt = PromptBuilder(TEMPLATE, tokenizer(found)).heard(instruction(found), torch.zeros(5, 48))
    assert list(prompt.prefix_ids) == [1, *found.tensors["p_before_ids"][0].tolist()]
    assert list(prompt.suffix_ids) == found.tensors["p_after_ids"][0].tolist()
    assert len(prompt) == len(prompt.prefix_ids) + 5 + len(prompt.suffix_ids)


def test_an_answer_s_tokens_end_as_the_reference_s():
    found = case("model/P2_eos")
    builder = PromptBuilder(TEMPLATE, tokenizer(found))
    assert list(builder.ids(found.meta["texts"][0] + "</s>")) == found.tensors["target_ids"][0].tolist()


def test_text_in_place_of_audio_stands_where_the_audio_would():
    words = tokenizer(case("model/P2_eos"))
    builder = PromptBuilder(TEMPLATE, words)
    read, heard = builder.read("Say it.", "hello"), builder.heard("Say it.", torch.zeros(1, 48))
    assert read.speech is None
    assert read.prefix_ids == (*heard.prefix_ids, *words("hello", add_special_tokens=False).input_ids)
    assert read.suffix_ids == heard.suffix_ids


def test_a_prompt_without_audio_speaks_of_none():
    words = tokenizer(case("model/P2_eos"))
    plain = PromptBuilder(TEMPLATE, words).plain(" Say it. ")
    assert plain.prefix_ids == (1,)
    assert list(plain.suffix_ids) == words("USER: Say it.\nASSISTANT:", add_special_tokens=False).input_ids


def test_the_empty_instruction_is_one():
    builder = PromptBuilder(TEMPLATE, tokenizer(case("model/P2_eos")))
    prompt = builder.heard("", torch.zeros(1, 48))
    assert prompt.suffix_ids == builder.ids("</Speech> \nASSISTANT:")


@pytest.mark.parametrize("template", ["{instruction}", "{instruction} <SpeechHere>"])
def test_a_template_without_a_place_for_the_audio_is_refused(template):
    with pytest.raises(UsageError, match=r"expected <SpeechHere> once, and \{instruction\} after it"):
        PromptBuilder(template, tokenizer(case("model/P2_eos")))
