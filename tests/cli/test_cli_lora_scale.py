"""`--lora-scale` from the command line's word to the variants of a run."""

import pytest

from salmonn_eval.cli import parse
from salmonn_eval.engine.specify import Wishes, specify
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.records import Variant
from salmonn_eval.tasks.selection import Selection

NOTHING = Selection(selected=(), not_in_suite=())


def card(**more: object) -> ModelCard:
    return ModelCard(name="some-model", backend="replay", fingerprint="f", **more)


def adapted() -> ModelCard:
    return card(capabilities=Capabilities(lora_scale="per_row"), default_lora_scale=4.0)


def test_several_scales_are_variants_in_the_order_given():
    assert parse.lora_scales("0, 4,2.5") == (0.0, 4.0, 2.5)
    found = parse.variants("release,paraphrase-1", "none", 0, parse.lora_scales("0,4"))
    assert [(variant.lora_scale, variant.prompt_set) for variant in found] == [
        (0.0, "release"),
        (0.0, "paraphrase-1"),
        (4.0, "release"),
        (4.0, "paraphrase-1"),
    ]


def test_a_scale_said_twice_is_asked_once():
    assert parse.lora_scales("4,4.0,2") == (4.0, 2.0)


@pytest.mark.parametrize("text", ["", "four", "1;2", "nan", "1,inf"])
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(UsageError, match="--lora-scale"):
        parse.lora_scales(text)


def test_no_scale_is_the_card_s_own_number_so_that_naming_it_changes_no_key():
    silent = specify(NOTHING, adapted(), Wishes("mini", "asr", parse.variants("release", "none", 0))).variants
    spoken = parse.variants("release", "none", 0, parse.lora_scales("4"))
    assert silent == specify(NOTHING, adapted(), Wishes("mini", "asr", spoken)).variants == (Variant(lora_scale=4.0),)


def test_scale_of_a_model_without_an_adapter_is_refused():
    asked = Wishes("mini", "asr", parse.variants("release", "none", 0, (2.0,)))
    with pytest.raises(UsageError, match="--lora-scale 2: model `some-model` has no adapter"):
        specify(NOTHING, card(), asked)
    assert specify(NOTHING, card(), Wishes("mini", "asr")).variants == (Variant(),)
