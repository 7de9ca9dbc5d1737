"""Whatever stands beside a row in a batch, the row's answer is that of batch 1, and that is transformers' own."""

from collections.abc import Iterator

import pytest
import torch
from tiny_llama import END, adapted_llama, asks, bare_llama, random_prompts

from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import OutOfMemoryError
from salmonn_eval.models.salmonn.ask import Answer, Ask
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.prompt import Prompt
from salmonn_eval.records import Generation

ROUNDING = 1e-4
GREEDY = Generation(max_new_tokens=12)
BEAMS = Generation(max_new_tokens=12, num_beams=4)
KINDS = {
    "greedy": GREEDY,
    "greedy, repetition penalty": Generation(max_new_tokens=12, repetition_penalty=1.5),
    "sampled": Generation(max_new_tokens=12, do_sample=True, temperature=0.8, top_p=0.9),
    "4 beams": BEAMS,
    "3 beams, penalties": Generation(12, num_beams=3, length_penalty=0.6, repetition_penalty=1.3),
}
CAPS = (1, 12, 5, 20)


def answered(language: Language, asked: list[Ask]) -> dict[str, Answer]:
    found = list(language.generate(iter(asked)))
    assert sorted(answer.key for answer in found) == sorted(ask.key for ask in asked)
    return {answer.key: answer for answer in found}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_batch_1(kind: str):
    """Unequal instructions and speech, five scales, four caps, early ends, rows refilled and batches that shrink."""
    language = adapted_llama()
    asked = asks(random_prompts(18), KINDS[kind], CAPS)
    alone = answered(Language(language, [END], rows=1), asked)
    assert {answer.finish for answer in alone.values()} == {"eos", "length"}
    assert len({answer.ids for answer in alone.values()}) > 14
    for rows, order in ((3, asked), (8, asked[::-1])):
        together = answered(Language(language, [END], rows=rows), order)
        differing = [key for key in alone if together[key].ids != alone[key].ids]
        exceptions = [key for key in differing if alone[key].margin < ROUNDING]
        assert differing == exceptions, f"{rows} rows"
        assert len(exceptions) <= 1, "gaps below rounding are rare"


def test_margins_tell_where_rounding_could_decide():
    """Else the test above would excuse anything."""
    asked = asks(random_prompts(18), GREEDY, CAPS)
    margins = [answer.margin for answer in answered(Language(adapted_llama(), [END], rows=8), asked).values()]
    assert sum(margin > ROUNDING for margin in margins) >= 17
    assert min(margins) > 0


def library_ids(llama: torch.nn.Module, ask: Ask) -> tuple[int, ...]:
    generation = ask.generation
    embeds = embed([ask.prompt], llama.get_input_embeddings())
    (row,) = llama.generate(
        inputs_embeds=embeds,
        attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
        max_new_tokens=generation.max_new_tokens,
        num_beams=generation.num_beams,
        do_sample=False,
        repetition_penalty=generation.repetition_penalty,
        length_penalty=generation.length_penalty,
        early_stopping=False,
        eos_token_id=END,
        pad_token_id=0,
    ).tolist()
    return tuple(row[: row.index(END) + 1] if END in row else row)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sampled"])
def test_ids_are_those_of_transformers(kind: str):
    """Its `generate`, one prompt at a time, of the bare model (scale 0) and with the adapter as it is (scale 4)."""
    asked = [
        Ask(f"{scale} {ask.key}", ask.prompt, ask.generation, scale)
        for ask in asks(random_prompts(6, seed=5), KINDS[kind], CAPS)
        for scale in (0.0, 4.0)
    ]
    found = answered(Language(adapted_llama(), [END], rows=7), asked)
    library = {0.0: bare_llama(), 4.0: adapted_llama()}
    for ask in asked:
        assert found[ask.key].ids == library_ids(library[ask.scale], ask), ask.key


def test_grouped_query_attention_and_half_precision_decode():
    llama = adapted_llama(num_key_value_heads=2).to(torch.bfloat16)
    asked = asks(random_prompts(9), BEAMS) + asks(random_prompts(9, seed=1), GREEDY)
    keyed = [Ask(str(number), ask.prompt, ask.generation, ask.scale) for number, ask in enumerate(asked)]
    assert all(answer.ids for answer in answered(Language(llama, [END], rows=4), keyed).values())


def test_sampling_follows_the_key_alone():
    (prompt,) = random_prompts(1)
    language = Language(adapted_llama(), [], rows=4)
    drawn = Generation(max_new_tokens=12, do_sample=True)
    found = answered(language, [Ask(key, prompt, drawn) for key in "abcd"])
    assert len({answer.ids for answer in found.values()}) == 4
    torch.manual_seed(99)
    assert answered(language, [Ask("c", prompt, drawn)])["c"].ids == found["c"].ids


def test_narrow_nucleus_is_greedy():
    prompts = random_prompts(6)
    language = Language(adapted_llama(), [END], rows=6)
    narrow = Generation(max_new_tokens=12, do_sample=True, top_p=1e-9)
    sampled = answered(language, asks(prompts, narrow))
    greedy = answered(language, asks(prompts, GREEDY))
    assert {key: answer.ids for key, answer in sampled.items()} == {key: answer.ids for key, answer in greedy.items()}


def test_sampled_tokens_have_the_model_s_probabilities():
    (prompt,) = random_prompts(1)
    llama = bare_llama()
    language = Language(llama, [], rows=64, has_adapter=False)
    once = Generation(max_new_tokens=1, do_sample=True, temperature=1.5)
    drawn = [answer.ids[0] for answer in language.generate(Ask(str(i), prompt, once) for i in range(2000))]
    with torch.no_grad():
        logits = llama(inputs_embeds=embed([prompt], llama.get_input_embeddings())).logits[0, -1]
    shares = (logits / 1.5).softmax(-1)
    for token in shares.topk(3).indices.tolist():
        expected = float(shares[token])
        deviation = (expected * (1 - expected) / len(drawn)) ** 0.5
        assert abs(drawn.count(token) / len(drawn) - expected) < 4 * deviation


def test_answers_stream_while_prompts_are_still_to_come():
    pulled: list[str] = []

    def feed() -> Iterator[Ask]:
        for ask in asks(random_prompts(20), GREEDY, CAPS):
            pulled.append(ask.key)
            yield ask

    answers = Language(adapted_llama(), [END], rows=4).generate(feed())
    first = next(answers)
    assert first.key in pulled
    assert len(pulled) <= 8
    assert len(list(answers)) == 19


def test_short_memory_halves_the_rows_and_loses_nothing():
    """The device is made to refuse what is wider than two rows, now and then in the middle of an answer."""
    asked = asks(random_prompts(10), BEAMS, CAPS)
    expected = answered(Language(adapted_llama(), [END], rows=1), asked)
    llama = adapted_llama()
    refuse_beyond(llama, rows=2)
    notes: list[str] = []
    found = {answer.key: answer for answer in Language(llama, [END], rows=8).generate(asked, notes.append)}
    assert "from now on 4 rows are answered at a time" in notes[0]
    assert "from now on 2 rows" in notes[1]
    assert {key: answer.ids for key, answer in found.items()} == {key: answer.ids for key, answer in expected.items()}


def test_one_row_that_does_not_fit_is_said():
    llama = adapted_llama()
    refuse_beyond(llama, rows=0)
    with pytest.raises(OutOfMemoryError, match="one prompt does not fit"):
        list(Language(llama, [END], rows=4).generate(asks(random_prompts(3), GREEDY)))


def refuse_beyond(llama: torch.nn.Module, rows: int) -> None:
    def refuse(_module: object, _positional: object, given: dict[str, torch.Tensor]) -> None:
        embeds = given["inputs_embeds"]
        if len(embeds) > rows and (rows < 2 or embeds.shape[1] <= 4):  # beams: prompts pass, the steps do not
            raise torch.cuda.OutOfMemoryError("made up")

    llama.register_forward_pre_hook(refuse, with_kwargs=True)


def test_prompt_that_fills_the_model_is_refused():
    language = Language(bare_llama(max_position_embeddings=16), [END], rows=2, has_adapter=False)
    fits, full = (Ask(str(n), Prompt(tuple(range(n)), None, ()), Generation(max_new_tokens=9)) for n in (14, 16))
    assert len(answered(language, [fits])["14"].ids) <= 2
    with pytest.raises(UsageError, match="takes 16 tokens; the language model holds 16"):
        list(language.generate([full]))


def test_sampling_by_beams_is_refused():
    both = Generation(max_new_tokens=3, num_beams=2, do_sample=True)
    with pytest.raises(UsageError, match="num_beams=2 with do_sample"):
        list(Language(adapted_llama(), [END], rows=2).generate(asks(random_prompts(1), both)))


def test_network_with_sliding_windows_is_refused():
    """A mask of ours would lift its windows."""
    from transformers import MistralConfig, MistralForCausalLM

    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    mistral = MistralForCausalLM(MistralConfig(vocab_size=50, num_key_value_heads=2, sliding_window=8, **shape))
    with pytest.raises(UsageError, match="full attention only"):
        Language(mistral, [END], rows=1, has_adapter=False)
