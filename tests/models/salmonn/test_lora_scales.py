"""One LoRA scale a row: peft's own ways are the oracle."""

import peft
import pytest
import torch
from tiny_llama import END, adapted_llama, asks, bare_llama, fill_lora, random_prompts

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.lora import Adapter, add_lora
from salmonn_eval.records import Generation

MIXED = (4.0, 0.0, 1.1, 2.0, 0.5)


@pytest.fixture
def embeds() -> torch.Tensor:
    return torch.randn(len(MIXED), 9, 32, generator=torch.Generator().manual_seed(3))


def logits(llama: torch.nn.Module, embeds: torch.Tensor, **more: object) -> torch.Tensor:
    with torch.no_grad():
        return llama(inputs_embeds=embeds, **more).logits


def test_mixed_rows_equal_peft_s_mixed_adapters(embeds: torch.Tensor):
    """An adapter for each scale, with equal factors, chosen row by row by peft's `adapter_names`."""
    ours = adapted_llama()
    names = {scale: f"scale_{number}" for number, scale in enumerate(MIXED) if scale}
    theirs = None
    for scale, name in names.items():
        config = peft.LoraConfig(r=8, lora_alpha=8 * scale, target_modules=["q_proj", "v_proj"])
        if theirs is None:
            theirs = peft.get_peft_model(bare_llama(), config, adapter_name=name)
        else:
            theirs.add_adapter(name, config)
    factors = {name: tensor for name, tensor in ours.named_parameters() if ".lora_" in name}
    for name, tensor in theirs.named_parameters():
        if ".lora_" in name:
            parts = name.removeprefix("base_model.model.").split(".")
            parts[-2] = "default"
            tensor.data.copy_(factors[".".join(parts)])
    expected = logits(theirs.eval(), embeds, adapter_names=[names.get(scale, "__base__") for scale in MIXED])
    with Adapter(ours).scaled(torch.tensor(MIXED)):
        found = logits(ours, embeds)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (expected[0] - expected[1]).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scale_0_is_the_bare_model_to_the_last_bit(embeds: torch.Tensor, dtype: torch.dtype):
    ours, bare = adapted_llama().to(dtype), bare_llama().to(dtype)
    with Adapter(ours).scaled(torch.zeros(len(MIXED))):
        assert torch.equal(logits(ours, embeds.to(dtype)), logits(bare, embeds.to(dtype)))


def test_scale_is_absolute_and_the_default_is_alpha_over_r(embeds: torch.Tensor):
    """Twice the scale is twice alpha, whatever alpha was."""
    llama, doubled = adapted_llama(), add_lora(bare_llama(), 8, 64)
    fill_lora(doubled)
    adapter = Adapter(llama)
    assert adapter.default == 4.0
    with adapter.scaled(torch.full((len(MIXED),), 8.0)):
        torch.testing.assert_close(logits(llama, embeds), logits(doubled, embeds), atol=2e-6, rtol=0)


def test_the_adapter_is_left_as_it_was(embeds: torch.Tensor):
    llama = adapted_llama()
    before = logits(llama, embeds)
    with pytest.raises(RuntimeError), Adapter(llama).scaled(torch.zeros(3)):
        logits(llama, embeds)  # three scales, five rows
    assert torch.equal(logits(llama, embeds), before)
    assert Adapter(llama).default == 4.0


def test_no_scale_said_is_the_default():
    prompts = random_prompts(5)
    language = Language(adapted_llama(), [END], rows=5)
    generation = Generation(max_new_tokens=8)
    silent = [ask.__class__(ask.key, ask.prompt, generation) for ask in asks(prompts, generation)]
    spoken = [ask.__class__(ask.key, ask.prompt, generation, 4.0) for ask in silent]
    assert sorted(language.generate(silent), key=str) == sorted(language.generate(spoken), key=str)


def test_scales_change_answers():
    """Else nothing above would mean much."""
    (prompt,) = random_prompts(1)
    generation = Generation(max_new_tokens=12)
    one = asks([prompt], generation)[0]
    asked = [one.__class__(str(scale), prompt, generation, scale) for scale in MIXED]
    assert len({answer.ids for answer in Language(adapted_llama(), [], rows=5).generate(asked)}) >= 4


def test_scale_without_an_adapter_is_refused():
    language = Language(bare_llama(), [END], rows=2, has_adapter=False)
    with pytest.raises(UsageError, match="no adapter"):
        list(language.generate(asks(random_prompts(2), Generation(max_new_tokens=2))))


def test_adapters_that_one_scale_does_not_describe_are_refused():
    def with_config(**more: object) -> torch.nn.Module:
        config = peft.LoraConfig(r=8, lora_alpha=32, target_modules=["q_proj", "v_proj"], **more)
        return peft.inject_adapter_in_model(config, bare_llama())

    with pytest.raises(UsageError, match="0 LoRA layers"):
        Adapter(bare_llama())
    with pytest.raises(UsageError, match="2 scales"):
        Adapter(with_config(alpha_pattern={"v_proj": 16}))
    with pytest.raises(UsageError, match="more than plain LoRA"):
        Adapter(with_config(use_dora=True))
    with pytest.raises(UsageError, match="more than plain LoRA"):
        Adapter(with_config(modules_to_save=["lm_head"]))


def test_embedded_prompts_do_not_depend_on_their_neighbours():
    llama = bare_llama()
    table = llama.get_input_embeddings()
    prompts = random_prompts(6)
    together = embed(prompts, table)
    for row, prompt in zip(together, prompts, strict=True):
        (alone,) = embed([prompt], table)
        assert torch.equal(row[: len(prompt)], alone)
        assert not row[len(prompt) :].any()
