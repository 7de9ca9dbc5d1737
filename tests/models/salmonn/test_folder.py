import msgspec
import pytest
import torch
from parity import case, difference, network
from speaking import tokenizer

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.salmonn.config import LoraSettings
from salmonn_eval.models.salmonn.folder import load, save, save_adapter
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.network import Salmonn

FOUND = case("model/P2_eos")


@pytest.fixture
def whole(tmp_path):
    folder = tmp_path / "whole"
    save(Loaded(network(FOUND.folder), tokenizer(FOUND)), folder)
    return folder


def other_adapter(rank: int, **settings) -> Salmonn:
    torch.manual_seed(rank)
    config = network(FOUND.folder).config
    other = Salmonn(msgspec.structs.replace(config, lora=LoraSettings(r=rank, **settings)))
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    return other


def test_a_whole_network_comes_back_as_it_was(whole):
    loaded, before = load(whole), network(FOUND.folder)
    assert loaded.network.config == before.config
    ours, theirs = loaded.network.state_dict(), before.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(difference(ours[name], theirs[name]) == 0.0 for name in ours)
    assert (
        loaded.tokenizer("USER: a</s>", add_special_tokens=False).input_ids
        == tokenizer(FOUND)("USER: a</s>", add_special_tokens=False).input_ids
    )


def test_an_adapter_alone_takes_the_other_s_place(whole, tmp_path):
    other = other_adapter(3, alpha=6, target_modules=("q_proj", "o_proj"))
    save_adapter(other, tmp_path / "adapter", base=whole)
    size = sum(path.stat().st_size for path in (tmp_path / "adapter").iterdir())
    assert size < 20_000
    loaded = load(whole, adapter=tmp_path / "adapter").network
    assert loaded.config.lora == LoraSettings(3, 6, ("q_proj", "o_proj"))
    ours, theirs = loaded.state_dict(), other.state_dict()
    assert {name for name in ours if ".lora_" in name} == {name for name in theirs if ".lora_" in name}
    assert all(difference(ours[name], theirs[name]) == 0.0 for name in ours if ".lora_" in name)
    base = network(FOUND.folder).state_dict()
    assert difference(ours["llama.lm_head.weight"], base["llama.lm_head.weight"]) == 0.0


def test_an_adapter_of_another_network_is_refused(whole, tmp_path):
    second = tmp_path / "second"
    save(Loaded(other_adapter(2), tokenizer(FOUND)), second)
    save_adapter(other_adapter(3), tmp_path / "adapter", base=second)
    with pytest.raises(PrerequisiteError, match="was trained on another network: its base is"):
        load(whole, adapter=tmp_path / "adapter")


def test_folders_in_each_other_s_place_are_told(whole, tmp_path):
    save_adapter(network(FOUND.folder), tmp_path / "adapter", base=whole)
    with pytest.raises(PrerequisiteError, match="adapter: does not hold a whole SALMONN"):
        load(tmp_path / "adapter")
    with pytest.raises(PrerequisiteError, match="whole: does not hold an adapter"):
        load(whole, adapter=whole)


def test_a_missing_tensor_and_a_broken_file_are_told(whole):
    from safetensors.torch import load_file, save_file

    path = whole / "model.safetensors"
    weights = load_file(path)
    weights.pop("hearing.ln_audio.bias")
    save_file(weights, path)
    with pytest.raises(PrerequisiteError, match=r"model\.safetensors: ln_audio\.bias is missing"):
        load(whole)
    path.write_bytes(b"not at all")
    with pytest.raises(PrerequisiteError, match="not readable as safetensors"):
        load(whole)
    (whole / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"config\.json: not a valid configuration of a SALMONN folder"):
        load(whole)


def test_tied_embeddings_stay_tied(tmp_path):
    config = network(FOUND.folder).config
    tied = Salmonn(msgspec.structs.replace(config, llama={**config.llama, "tie_word_embeddings": True}))
    save(Loaded(tied, tokenizer(FOUND)), tmp_path)
    loaded = load(tmp_path).network.llama
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    assert difference(loaded.lm_head.weight, tied.llama.lm_head.weight) == 0.0


def test_eight_bits_answer_nearly_alike_and_are_not_saved(whole, tmp_path):
    pytest.importorskip("bitsandbytes")
    short, long = load(whole, dtype="int8"), load(whole)
    kinds = {name: tensor.dtype for name, tensor in short.network.llama.named_parameters()}
    assert kinds["model.layers.0.mlp.up_proj.weight"] == torch.int8
    assert kinds["model.layers.0.self_attn.q_proj.base_layer.weight"] == torch.int8
    assert kinds["lm_head.weight"] == kinds["model.layers.0.self_attn.q_proj.lora_A.default.weight"] == torch.float32
    ids = torch.tensor([[1, 30, 40, 50, 60]])
    with torch.inference_mode():
        near, exact = short.network.llama(input_ids=ids).logits, long.network.llama(input_ids=ids).logits
    assert 0.0 < float((near - exact).abs().mean()) < 0.1 * float(exact.std())
    with pytest.raises(UsageError, match="a network in eight bits is not saved"):
        save(short, tmp_path / "short")


def test_eight_bits_without_their_package_say_what_to_install(whole):
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        with pytest.raises(PrerequisiteError, match="pip install bitsandbytes"):
            load(whole, dtype="int8")
    else:
        pytest.skip("bitsandbytes is installed")
