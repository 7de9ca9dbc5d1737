"""A peft adapter on a plain causal language model, through its card."""

import json
from pathlib import Path

import msgspec
import peft
import pytest
import torch

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.records import Generation, Request, Variant

GENERATION = Generation(max_new_tokens=10)
TOKENIZER = Path(__file__).resolve().parents[1] / "data" / "parity" / "model" / "P2_eos" / "tokenizer.model"
SAID = ["the dog says", "she", "it says the word he says", "a sound", "the word dog"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A Llama with grouped attention, and an adapter of scale 2 on three of its projections."""
    from transformers import LlamaConfig, LlamaForCausalLM

    base, adapter = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("adapter")
    (base / "tokenizer.model").write_bytes(TOKENIZER.read_bytes())
    marks = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True}
    (base / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **marks}))
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(vocab_size=400, num_key_value_heads=2, initializer_range=0.4, **shape)
        network = LlamaForCausalLM(config)
        network.save_pretrained(base)
        lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"])
        adapted = peft.get_peft_model(network, lora)
        for name, parameter in adapted.named_parameters():
            if ".lora_B." in name:
                torch.nn.init.normal_(parameter, std=0.3)
        adapted.save_pretrained(adapter)
    return base, adapter


def arguments(folders: tuple[Path, Path]) -> dict[str, str]:
    return {"base": str(folders[0]), "adapter": str(folders[1])}


def request_of(instruction: str, scale: float | None = None, **more: object) -> Request:
    key = f"{instruction} {scale}"
    return Request(key, "asr", "some-set", key, instruction, (), GENERATION, Variant(lora_scale=scale), **more)


def load(folders: tuple[Path, Path], batch_size: int = 4):
    card = registry.resolve("peft-text", arguments(folders))
    return registry.load(card, device="cpu", dtype="float32", batch_size=batch_size)


def test_card_takes_its_scale_from_the_adapter(folders):
    card = registry.resolve("peft-text", arguments(folders))
    assert card.default_lora_scale == 2.0
    assert card.capabilities.lora_scale == "per_row"
    assert not card.capabilities.audio


def test_answers_at_any_scale_are_transformers_own(folders):
    """At 2 and at 0 of the adapted and the bare library model; all scales in one batch."""

    tokenizer, libraries = library(folders)
    requests = [request_of(text, scale) for text in SAID for scale in (None, 0.0, 2.0, 1.0)]
    found = {prediction.key: prediction for prediction in load(folders).generate(requests, None)}
    assert len(found) == len(requests)
    for text in SAID:
        read = tokenizer(text, return_tensors="pt")
        length = read.input_ids.shape[1]
        for scale, network in libraries.items():
            ids = network.generate(**read, max_new_tokens=10, do_sample=False, pad_token_id=0)[0, length:]
            answer = found[f"{text} {scale}"]
            assert answer.text == tokenizer.decode(ids, skip_special_tokens=True).strip()
            assert answer.tokens_in == length
            assert answer.tokens_out == len(ids)
        assert found[f"{text} None"].text == found[f"{text} 2.0"].text
    assert any(found[f"{text} 1.0"].text not in (found[f"{text} 0.0"].text, found[f"{text} 2.0"].text) for text in SAID)


def library(folders: tuple[Path, Path]):
    """Tokenizer, and transformers' networks by the scale that they are at."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, adapter = folders
    bare = AutoModelForCausalLM.from_pretrained(base).eval()
    adapted = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).eval()
    return AutoTokenizer.from_pretrained(base), {0.0: bare, 2.0: adapted}


def test_text_stands_before_the_instruction(folders):
    model = load(folders)
    heard, read = request_of("she says it"), request_of("it", text="she says")
    assert next(model.generate([heard], None)).text == next(model.generate([read], None)).text


def test_logprobs_are_transformers_own(folders):
    tokenizer, libraries = library(folders)
    requests = [request_of(text, scale) for text in SAID[:2] for scale in libraries]
    answers = ["a dog", "", "the sound it says"]
    found = list(load(folders).logprobs(requests, answers, None))
    assert [(one.key, one.continuation) for one in found] == [(one.key, text) for one in requests for text in answers]
    for one, request in zip(found, [request for request in requests for _ in answers], strict=True):
        before = tokenizer(request.instruction).input_ids
        after = [*tokenizer(one.continuation, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        with torch.no_grad():
            logits = libraries[request.variant.lora_scale](torch.tensor([before + after])).logits[0]
        told = logits[len(before) - 1 : -1].log_softmax(-1)
        expected = told.gather(1, torch.tensor(after)[:, None])[:, 0].tolist()
        assert one.logprobs == pytest.approx(expected, abs=2e-5)


def test_fingerprint_tells_adapters_apart(folders, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    for path in folders[1].iterdir():
        if path.is_file():
            (other / path.name).write_bytes(path.read_bytes())
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 16}))
    here, there = (registry.resolve("peft-text", arguments((folders[0], folder))) for folder in (folders[1], other))
    assert here.fingerprint != there.fingerprint
    assert there.default_lora_scale == 4.0


def test_adapter_of_another_kind_is_refused(folders, tmp_path: Path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "IA3"}))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="peft_type is IA3; expected LORA"):
        registry.resolve("peft-text", arguments((folders[0], tmp_path)))


def test_adapter_of_another_network_is_refused(folders, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    weights = load_file(folders[1] / "adapter_model.safetensors")
    lacking = dict(list(weights.items())[1:])
    (tmp_path / "adapter_config.json").write_bytes((folders[1] / "adapter_config.json").read_bytes())
    save_file(lacking, tmp_path / "adapter_model.safetensors")
    card = registry.resolve("peft-text", arguments((folders[0], tmp_path)))
    with pytest.raises(PrerequisiteError, match="the weights lack"):
        registry.load(card, device="cpu", dtype="float32", batch_size=None)


def test_card_without_a_scale_is_refused_where_no_file_tells_it(folders, tmp_path: Path):
    card = tmp_path / "mine.yaml"
    card.write_text(
        "name: mine\nbackend: replay\ndescription: d\ncapabilities: {lora_scale: per_row}\n"
        "arguments: {answers: {help: h, required: true}}\n"
    )
    (tmp_path / "answers.jsonl").write_text('{"id": "x", "text": "y"}\n')
    with pytest.raises(UsageError, match="lacks default_lora_scale"):
        registry.resolve(str(card), {"answers": str(tmp_path / "answers.jsonl")})


def test_several_batch_sizes_agree(folders):
    requests = [request_of(f"{word} says {word}", scale) for word in SAID for scale in (0.0, 1.5, None)]

    def told(batch_size: int) -> dict[str, object]:
        answers = load(folders, batch_size).generate(requests, None)
        return {answer.key: msgspec.structs.replace(answer, seconds=0.0) for answer in answers}

    assert told(1) == told(5)
