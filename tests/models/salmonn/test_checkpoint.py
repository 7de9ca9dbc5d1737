import json
import pickle
from pathlib import Path

import pytest
import torch
from parity import case, difference, network
from release import TRAINED, part, write_release
from safetensors.torch import load_file, save_file

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.salmonn.checkpoint import ReleaseFiles, load_release

NAME = "model/P2_eos"


@pytest.fixture
def files(tmp_path) -> ReleaseFiles:
    return write_release(case(NAME), tmp_path)


def change(path: Path, edit) -> None:
    """Edit the dictionary of weights in a published file."""
    saved = torch.load(path, weights_only=True)
    edit(saved["model"])
    torch.save(saved, path)


def check(files: ReleaseFiles) -> None:
    loaded, whole = load_release(files, trained=TRAINED), network(case(NAME).folder)
    ours, theirs = loaded.network.state_dict(), whole.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert difference(tensor, theirs[name][: len(tensor)]) == 0.0, name
    with torch.inference_mode():
        assert difference(loaded.network.hearing(case(NAME).waves())[0], case(NAME).tensors["speech_embeds"][0]) < 2e-5
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    assert (loaded.tokenizer.bos_token_id, loaded.tokenizer.eos_token_id) == (1, 2)


def test_a_release_loads_with_buffers_aliases_and_labels(files):
    check(files)


def test_a_release_loads_without_them(files):
    extras = ("inv_freq", "position_ids", "1.self_attn.relative_attention_bias.weight")

    def drop(weights):
        for name in [name for name in weights if name.endswith(extras)]:
            del weights[name]

    change(files.ckpt, drop)
    change(files.beats, drop)
    check(files)


def test_old_peft_s_spelling_loads(files):
    def respell(weights):
        for name in [name for name in weights if ".lora_" in name]:
            weights[name.replace(".default.weight", ".weight")] = weights.pop(name)

    change(files.ckpt, respell)
    check(files)


def test_weight_norm_s_new_names_load(files):
    def respell(weights):
        for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
            tensor = weights.pop(f"encoder.pos_conv.0.{old}")
            weights[f"encoder.pos_conv.0.parametrizations.weight.{new}"] = tensor

    change(files.beats, respell)
    check(files)


def test_shards_and_pickled_shards_load(files):
    weights = load_file(files.llm / "model.safetensors")
    (files.llm / "model.safetensors").unlink()
    names = sorted(weights)
    shards = {"a.bin": names[::2], "b.bin": names[1::2]}
    for shard, own in shards.items():
        torch.save({name: weights[name] for name in own}, files.llm / shard)
    index = {"weight_map": {name: shard for shard, own in shards.items() for name in own}}
    (files.llm / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    check(files)
    (files.llm / "b.bin").unlink()
    with pytest.raises(PrerequisiteError, match=r"index\.json names b\.bin; fetch the folder again"):
        load_release(files, trained=TRAINED)


def test_every_key_that_does_not_fit_is_named_with_its_file(files):
    def spoil(weights):
        del weights["ln_speech.bias"]
        weights["ln_speech.scale"] = torch.ones(1)
        weights["speech_llama_proj.weight"] = torch.ones(47, 32)

    change(files.ckpt, spoil)
    change(files.beats, lambda weights: weights.pop("encoder.layers.1.fc1.bias"))
    with pytest.raises(PrerequisiteError) as caught:
        load_release(files, trained=TRAINED)
    told = str(caught.value).splitlines()[1:]
    assert set(told) == {
        f"{files.ckpt}: ln_speech.bias is missing",
        f"{files.ckpt}: ln_speech.scale is unexpected",
        f"{files.ckpt}: speech_llama_proj.weight has the shape [47, 32]; expected [48, 32]",
        f"{files.beats}: beats.encoder.layers.1.fc1.bias is missing",
    }


def test_another_language_model_s_size_is_told(files):
    path = files.llm / "model.safetensors"
    save_file({name: torch.cat([tensor, tensor[:1]]) for name, tensor in load_file(path).items()}, path)
    told = r"llama: .*lm_head\.weight has the shape \[401, 48\]; expected \[400, 48\]"
    with pytest.raises(PrerequisiteError, match=told):
        load_release(files, trained=TRAINED)


def test_a_file_that_runs_code_is_refused(files, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"model": {}, "hook": Evil()}, files.ckpt)
    with pytest.raises(PrerequisiteError, match="not a file of tensors and plain data"):
        load_release(files, trained=TRAINED)
    files.beats.write_bytes(pickle.dumps(Evil()))
    assert not (tmp_path / "ran").exists()


def test_swapped_files_are_told(files):
    with pytest.raises(
        PrerequisiteError, match=r"beats\.pt: speech_query_tokens is missing; expected the trained part"
    ):
        load_release(ReleaseFiles(files.beats, files.whisper, files.llm, files.beats), trained=TRAINED)
    with pytest.raises(PrerequisiteError, match=r"salmonn\.pth: holds model, .*; expected a dictionary with `cfg`"):
        load_release(ReleaseFiles(files.ckpt, files.whisper, files.llm, files.ckpt), trained=TRAINED)


def test_a_network_without_beats_loads(tmp_path):
    found = case("model/P5_no_beats")
    files = write_release(found, tmp_path)
    assert files.beats is None
    loaded = load_release(files, trained=TRAINED)
    with torch.inference_mode():
        assert difference(loaded.network.hearing(found.waves())[0], found.tensors["speech_embeds"][0]) < 2e-5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_stays_near(files, dtype):
    loaded = load_release(files, trained=TRAINED, dtype=dtype)
    assert {parameter.dtype for parameter in loaded.network.parameters()} == {getattr(torch, dtype)}
    with torch.inference_mode():
        embeds = loaded.network.hearing(case(NAME).waves())[0].float()
    theirs = case(NAME).tensors["speech_embeds"][0]
    # Over all numbers, not the worst. A processor with matrix units for bfloat16 is 0.17 off on this random network,
    # one without far less; what belongs to another network is 1.4 off.
    assert float((embeds - theirs).square().mean().sqrt()) < 0.3 * float(theirs.std())


def test_the_reference_s_own_files_load(shared):
    folder = shared / "parity" / "model" / "P1_full_1500"
    mini = folder / "mini_checkpoints"
    files = ReleaseFiles(mini / "mini_salmonn_v1.pth", mini / "whisper", mini / "llama", mini / "mini_beats.pt")
    loaded, found = load_release(files, trained=TRAINED), case("model/P1_full_1500", shared / "parity")
    with torch.inference_mode():
        assert difference(loaded.network.hearing(found.waves())[0], found.tensors["speech_embeds"][0]) < 2e-5
    theirs = part(load_file(folder / "state_dict.safetensors"), "llama_model.base_model.model.")
    assert difference(loaded.network.state_dict()["llama.lm_head.weight"], theirs["lm_head.weight"][:-1].float()) == 0.0
