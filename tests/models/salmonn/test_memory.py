import itertools

import msgspec
import pytest
import torch

from salmonn_eval.models.salmonn.arithmetic import count, encode_flops, token_numbers
from salmonn_eval.models.salmonn.config import BeatsConfig, LoraSettings, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.memory import GPUS, Workload, needs, report, seconds
from salmonn_eval.models.salmonn.network import Salmonn, empty

LLAMA = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 90}
VICUNA = {
    "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40,
    "vocab_size": 32000,
}  # fmt: skip
WHISPER = WhisperConfig(32, 2, 4, 64, 80, 100)
BEATS = BeatsConfig(2, 32, 64, 4, 24, conv_pos=16, conv_pos_groups=4, num_buckets=32, predictor_class=11)
SMALL = SalmonnConfig(llama=LLAMA, whisper=WHISPER, beats=BEATS, qformer=QformerConfig(32, 4, 64))
change = msgspec.structs.replace
CONFIGS = {
    "small": SMALL,
    "no beats, no adapter": change(SMALL, beats=None, lora=None),
    "bare beats": change(
        SMALL,
        beats=change(
            BEATS,
            embed_dim=32,
            conv_bias=True,
            gru_rel_pos=False,
            relative_position_embedding=False,
            finetuned_model=False,
        ),
    ),
    "three layers, two queries": change(SMALL, qformer=QformerConfig(32, 4, 64, 3, 2)),
    "grouped keys, tied": change(
        SMALL,
        llama={**LLAMA, "num_key_value_heads": 2, "tie_word_embeddings": True},
        lora=LoraSettings(4, 8, ("q_proj", "k_proj", "down_proj")),
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_parameters_are_counted_as_the_built_network_has_them(name):
    whole, counts = empty(CONFIGS[name]), count(CONFIGS[name])
    parts = {"whisper": 0, "beats": 0, "qformer": 0, "llama": 0, "lora": 0}
    for key, parameter in whole.named_parameters():
        first, second, _ = key.split(".", 2)
        part = second if second in parts else "qformer"
        parts["lora" if ".lora_" in key else "llama" if first == "llama" else part] += parameter.numel()
    assert msgspec.structs.asdict(counts) == parts


@pytest.mark.parametrize("name", ["small", "grouped keys, tied"])
def test_keys_and_values_of_a_token(name):
    llama = Salmonn(CONFIGS[name]).llama
    with torch.inference_mode():
        kept = llama(input_ids=torch.tensor([[1, 2, 3]]), use_cache=True).past_key_values
    numbers = sum(layer.keys.numel() + layer.values.numel() for layer in kept.layers)
    assert token_numbers(CONFIGS[name]) * 3 == numbers


def test_operations_of_hearing_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    config = change(SMALL, whisper=change(WHISPER, max_source_positions=300), qformer=QformerConfig(32, 4, 64))
    hearing, wave = Salmonn(config).eval().requires_grad_(False).hearing, torch.randn(6 * 16_000)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        hearing.encode([wave])
    assert encode_flops(config, 6.0) == pytest.approx(counter.get_total_flops(), rel=0.25)


def test_memory_grows_with_what_it_should():
    config = SalmonnConfig(llama=VICUNA)
    work = Workload(requests=1000, clips=1000, tokens=200)
    base = needs(config, "bfloat16", work)
    assert base.weights == 2 * count(config).total
    assert needs(config, "float32", work).weights == 2 * base.weights
    assert base.weights - needs(config, "int8", work).weights == count(config).llama
    assert base.row == 2 * 40 * 5120 * 2 * (60 + 88 + 200)
    assert needs(config, "bfloat16", change(work, beams=4)).row == 2 * 40 * 5120 * 2 * (60 + 88 + 800)


def test_time_falls_with_rows_and_faster_gpus_and_grows_with_work():
    config, work = SalmonnConfig(llama=VICUNA), Workload(1000, 1000, 200)
    h100, a100 = GPUS["H100 80 GB"], GPUS["A100 80 GB"]
    assert seconds(config, "bfloat16", work, h100) < seconds(config, "bfloat16", work, a100)
    assert seconds(config, "bfloat16", change(work, rows=1), h100) > seconds(config, "bfloat16", work, h100)
    twice = seconds(config, "bfloat16", change(work, requests=2000, clips=2000), h100)
    assert twice == pytest.approx(2 * seconds(config, "bfloat16", work, h100))


@pytest.mark.parametrize(("gpu", "dtype"), list(itertools.product(GPUS, ["bfloat16", "int8"])))
def test_the_13b_fits_where_its_weights_do(gpu, dtype):
    lines = report(SalmonnConfig(llama=VICUNA), dtype, Workload(1000, 1000, 200, 4))
    (line,) = (line for line in lines if line.startswith(gpu))
    fits = not (gpu == "RTX 4090 24 GB" and dtype == "bfloat16")
    assert ("at a time" in line) == fits
    assert fits or line == "RTX 4090 24 GB: does not fit; try --dtype int8"
