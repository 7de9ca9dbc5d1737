import msgspec
import pytest
import torch
from parity import case, difference

from salmonn_eval.models.salmonn.beats import Beats, buckets
from salmonn_eval.models.salmonn.config import BeatsConfig
from salmonn_eval.models.salmonn.frontend import fbank

SHIPPED = ["A_small_config", "C_batch_unequal", "D_prenorm_no_deepnorm_finetuned", "E_no_gru_no_relpos"]
TABLE = "self_attn.relative_attention_bias.weight"


def beats(found) -> Beats:
    network = Beats(msgspec.convert(found.meta["cfg"], BeatsConfig)).eval()
    weights = {name[11:]: tensor for name, tensor in found.tensors.items() if name.startswith("state_dict.")}
    if (table := weights.get(f"encoder.layers.0.{TABLE}")) is not None:
        weights["encoder.relative_attention_bias.weight"] = table
    network.load_state_dict({name: tensor for name, tensor in weights.items() if TABLE not in name})
    return network


def expected(found, index: int):
    """The clip alone: where the reference's batch leaks, only that is a target."""
    alone = found.tensors.get(f"single.{index}.features")
    return found.tensors["features"][index] if alone is None else alone[0]


def check(found) -> None:
    network, waves = beats(found), found.waves()
    with torch.inference_mode():
        together = network(fbank(waves))
        for index, wave in enumerate(waves):
            (alone,) = network(fbank([wave]))
            assert difference(alone, expected(found, index)) < 1e-4
            assert difference(together[index], expected(found, index)) < 1e-4


@pytest.mark.parametrize("name", SHIPPED)
def test_features_equal_the_reference(name):
    check(case(f"beats/{name}"))


def test_features_with_the_release_s_buckets_and_convolution(shared):
    check(case("beats/B_long_and_real_buckets", shared / "parity"))


def test_position_bias_equals_the_reference():
    found = case("beats/A_small_config")
    with torch.inference_mode():
        bias = beats(found).encoder.position_bias(96)
    assert difference(bias, found.tensors["inter.position_bias_HTT"]) == 0.0


@pytest.mark.parametrize("longest", [800, 1280])
def test_every_distance_falls_into_the_reference_s_bucket(longest):
    tensors = case("beats/relpos_buckets").tensors
    assert torch.equal(buckets(tensors["rel"], 320, longest), tensors[f"bucket_320_{longest}"])


def test_label_probabilities_equal_the_reference():
    found = case("beats/D_prenorm_no_deepnorm_finetuned")
    network = beats(found)
    with torch.inference_mode():
        (features,) = network(fbank(found.waves()))
        probabilities = network.probabilities(features)
    assert difference(probabilities, found.tensors["lprobs_feature_only_false"][0]) < 1e-5


def test_a_loud_neighbour_does_not_leak():
    """A clip's features are its own to the last bit that batching leaves, whatever stands beside it."""
    found = case("beats/C_batch_unequal")
    network, short = beats(found), found.waves()[2]
    with torch.inference_mode():
        (alone,) = network(fbank([short]))
        beside = network(fbank([torch.full((32_000,), 1.0, dtype=torch.float64).cos() * 100, short]))[1]
    assert difference(beside, alone) < 2e-5


def test_the_whole_release_has_the_known_number_of_parameters():
    with torch.device("meta"):
        network = Beats(BeatsConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) == 90_717_055
