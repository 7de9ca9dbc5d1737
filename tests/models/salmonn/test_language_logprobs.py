"""Log-probabilities of continuations, against a plain forward pass of each one alone."""

import pytest
import torch
from tiny_llama import END, SCALES, VOCABULARY, adapted_llama, random_prompts

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn import logprobs as module
from salmonn_eval.models.salmonn.ask import Forced
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.lora import Adapter
from salmonn_eval.models.salmonn.prompt import Prompt


def continuations(count: int, seed: int = 0) -> tuple[tuple[int, ...], ...]:
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, 9, (count,), generator=draw).tolist()
    return tuple((*torch.randint(3, VOCABULARY, (length,), generator=draw).tolist(), END) for length in lengths)


def one_by_one(llama: torch.nn.Module, row: Forced) -> list[torch.Tensor]:
    found = []
    for continuation in row.continuations:
        whole = Prompt(row.prompt.prefix_ids, row.prompt.speech, (*row.prompt.suffix_ids, *continuation))
        with torch.no_grad(), Adapter(llama).scaled(torch.tensor([row.scale])):
            logits = llama(inputs_embeds=embed([whole], llama.get_input_embeddings())).logits[0]
        told = logits[len(row.prompt) - 1 : -1].log_softmax(-1)
        found.append(told.gather(1, torch.tensor(continuation)[:, None])[:, 0])
    return found


@pytest.mark.parametrize("rows", [1, 4])
def test_every_token_has_its_probability_under_its_own_prompt_and_scale(rows: int):
    llama = adapted_llama()
    asked = [
        Forced(prompt, continuations(count), scale)
        for prompt, count, scale in zip(random_prompts(7), (5, 1, 3, 9, 2, 1, 4), SCALES * 2, strict=False)
    ]
    found = list(Language(llama, [END], rows=rows).logprobs(asked))
    expected = [values for row in asked for values in one_by_one(llama, row)]
    assert [len(values) for values in found] == [len(values) for values in expected]
    for values, right in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.tensor(values), right, atol=2e-5, rtol=0)


def test_many_continuations_take_several_rows(monkeypatch: pytest.MonkeyPatch):
    (prompt,) = random_prompts(1)
    row = Forced(prompt, continuations(30), 2.0)
    language = Language(adapted_llama(), [END], rows=2)
    whole = list(language.logprobs([row]))
    monkeypatch.setattr(module, "CONTINUED", 12)
    parts = list(language.logprobs([row]))
    assert [len(values) for values in parts] == [len(continuation) for continuation in row.continuations]
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, abs=2e-5)


def test_probabilities_of_all_first_tokens_sum_to_one():
    (prompt,) = random_prompts(1)
    row = Forced(prompt, tuple((token,) for token in range(VOCABULARY)))
    found = list(Language(adapted_llama(), [END], rows=2).logprobs([row]))
    assert torch.tensor(found).exp().sum() == pytest.approx(1.0, abs=1e-5)


def test_short_memory_splits_the_rows():
    llama = adapted_llama()
    asked = [Forced(prompt, continuations(3)) for prompt in random_prompts(6)]
    expected = list(Language(llama, [END], rows=6).logprobs(asked))

    def refuse(_module: object, _positional: object, given: dict[str, torch.Tensor]) -> None:
        if len(given["inputs_embeds"]) > 2:
            raise torch.cuda.OutOfMemoryError("made up")

    llama.register_forward_pre_hook(refuse, with_kwargs=True)
    for values, right in zip(Language(llama, [END], rows=6).logprobs(asked), expected, strict=True):
        assert values == pytest.approx(right, abs=2e-5)


def test_prompt_that_fills_the_model_is_refused():
    language = Language(adapted_llama(max_position_embeddings=16), [END], rows=2)
    with pytest.raises(UsageError, match="holds 16 in all"):
        list(language.logprobs([Forced(Prompt(tuple(range(16)), None, ()), ((5, END),))]))
