"""The release's own shapes, on paper: no memory is taken."""

import json

import pytest
from parity import case, network

from salmonn_eval.models.salmonn.arithmetic import count
from salmonn_eval.models.salmonn.config import BeatsConfig, SalmonnConfig
from salmonn_eval.models.salmonn.names import to_ours, to_release
from salmonn_eval.models.salmonn.network import empty

GROUPS = {"whisper": "speech_encoder", "beats": "beats", "llama": "llama_model"}


@pytest.mark.parametrize("name", ["model/P2_eos", "model/P3_nq2_w0.5_s0.25", "model/P5_no_beats", "contract/contract"])
def test_names_map_both_ways_and_none_is_left(name):
    ours = network(case(name).folder).state_dict()
    theirs = [to_release(key) for key in ours]
    assert len(set(theirs)) == len(ours)
    assert to_ours(dict.fromkeys(theirs), ours) == dict(zip(theirs, ours, strict=True))


@pytest.mark.parametrize("size", ["13b", "7b"])
def test_the_release_s_keys_shapes_and_numbers_of_parameters(size, shared):
    told = json.loads((shared / "parity" / f"salmonn{size}_trainable_keys.json").read_text())
    llama = {**told["config"]["llama"], "vocab_size": told["config"]["vocab_after_resize"]}
    whole = empty(SalmonnConfig(llama=llama))
    ours = {name: list(parameter.shape) for name, parameter in whole.named_parameters()}
    trained = {name: key["shape"] for name, key in told["keys"].items() if key["kind"] == "param"}
    assert (len(told["keys"]), len(trained)) == {"13b": (273, 221), "7b": (233, 189)}[size]
    mapped = to_ours(told["keys"], ours)
    assert mapped.keys() == trained.keys()
    assert {name: ours[mapped[name]] for name in trained} == trained
    counts = count(whole.config)
    assert {GROUPS[part]: getattr(counts, part) for part in GROUPS} == told["frozen_parameter_count_by_group"]
    assert counts.qformer + counts.lora == told["trainable_parameter_count"]
    sizes = {name: parameter.numel() for name, parameter in whole.named_parameters()}
    assert sum(sizes.values()) == counts.total
    assert sum(n for name, n in sizes.items() if to_release(name) in trained) == told["trainable_parameter_count"]


def test_the_keys_of_beats(shared):
    told = json.loads((shared / "parity" / "beats_keys.json").read_text())
    whole = empty(SalmonnConfig(llama=TINY, beats=BeatsConfig()))
    wanted = {name: parameter for name, parameter in whole.named_parameters() if name.startswith("hearing.beats.")}
    mapped = to_ours({f"beats.{name}": None for name in told["keys"]}, wanted)
    assert set(mapped.values()) == set(wanted)
    assert len(told["keys"]) - len(mapped) == 11
    for theirs, ours in mapped.items():
        assert list(wanted[ours].shape) == told["keys"][theirs.removeprefix("beats.")]["shape"]


TINY = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "vocab_size": 8,
}
