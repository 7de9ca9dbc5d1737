"""The network in the repository: small enough, of parts that can be taken out again, and through their gate."""

from pathlib import Path

import pytest
import torch

from salmonn_eval.bundled import bundled
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.salmonn.weights import read_safetensors
from salmonn_eval.nano.assemble import WEIGHTS, load_nano, take_part
from salmonn_eval.nano.language.gate import language_gate

NANO = bundled("model") / "salmonn-nano"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The language model and the encoders, taken out of the network."""
    folder = tmp_path_factory.mktemp("parts")
    for name in ("language", "speech", "audio"):
        take_part(name, NANO, folder / name)
    return folder


def test_the_parts_make_one_small_network_that_hears(parts):
    assert sum(path.stat().st_size for path in NANO.rglob("*.safetensors")) < 20e6
    loaded = load_nano(parts, seed=1)
    assert sum(weight.numel() for weight in loaded.network.parameters()) < 10e6
    with torch.inference_mode():
        heard = loaded.network.hearing([torch.zeros(16_000), torch.zeros(48_000)])
    assert [tuple(one.shape) for one in heard] == [(29, 256)] * 2


def test_parts_are_what_stands_in_the_network(parts):
    whole = read_safetensors(NANO / WEIGHTS)
    for name, prefix in (("language", "llama."), ("speech", "hearing.whisper."), ("audio", "hearing.beats.")):
        for key, tensor in read_safetensors(parts / name / WEIGHTS).items():
            assert torch.equal(tensor, whole[prefix + key])


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(PrerequisiteError, match=r"speech/model.safetensors"):
        load_nano(tmp_path, seed=1)


@pytest.mark.slow
def test_the_language_model_passes_its_gate(parts):
    loaded = load_nano(parts, seed=1)
    gate = language_gate(loaded.network.llama, loaded.tokenizer, items=12)
    gate.check()
    assert gate.unseen_skeletons["en2zh"] > 80
    assert gate.held_out["sf"] > 0.8
