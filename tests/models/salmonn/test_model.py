"""From waveforms and instructions to texts, all parts together."""

import itertools

import msgspec
import pytest
import torch
from parity import MODELS, case, network
from speaking import BEAMS, GREEDY, Sounds, answers, instruction, model, request, sounds, tokenizer

from salmonn_eval.waveform import Waveform

SCALES = (4.0, 2.0, 1.0, 0.0)
KINDS = {"greedy": GREEDY, "beam4": BEAMS}


def expected(found, scale: float, kind: str, row: int = 0) -> list[int]:
    """The reference's ids, less the 1 that its library puts in front, up to the end of sequence."""
    ids = found.tensors[f"scale{scale:g}.{kind}_ids"][row].tolist()[1:]
    return ids[: ids.index(2) + 1] if 2 in ids else ids


def check(found) -> None:
    words, text = tokenizer(found), instruction(found)
    asked = {
        f"{kind}@{scale:g}": request(f"{kind}@{scale:g}", text, scale=scale, generation=KINDS[kind])
        for scale, kind in itertools.product(SCALES, KINDS)
    }
    given = answers(model(found), list(asked.values()), sounds(found))
    for key in asked:
        kind, _, scale = key.partition("@")
        ids = expected(found, float(scale), kind)
        assert given[key].text == words.decode(ids, skip_special_tokens=True).strip(), key
        assert given[key].tokens_out == len(ids)
        assert given[key].finish == ("eos" if ids[-1] == 2 else "length")
        assert given[key].tokens_in == found.tensors["gen_inputs_embeds"].shape[1]


@pytest.mark.parametrize("name", MODELS)
def test_answers_equal_the_reference_at_every_scale_greedy_and_with_beams(name):
    check(case(f"model/{name}"))


def test_answers_to_a_recording_equal_the_reference(shared):
    check(case("model/P1_full_1500", shared / "parity"))


@pytest.mark.parametrize("kind", KINDS)
def test_clips_of_unequal_length_are_answered_as_each_alone(kind, shared):
    """The reference's batch is not a target here: only its single clips are."""
    found = case("model/P4_batch3_equal_prompts_unequal_audio", shared / "parity")
    words, text = tokenizer(found), instruction(found)
    asked = [request(str(i), text, sample=str(i), generation=KINDS[kind]) for i in range(3)]
    given = answers(model(found), asked, sounds(found))
    for index in range(3):
        ids = found.tensors[f"single{index}.scale4.{kind}_ids"][0].tolist()[1:]
        assert given[str(index)].text == words.decode(ids, skip_special_tokens=True).strip()


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_unequal_length_are_answered_as_each_alone(kind):
    found = case("contract/contract")
    words = tokenizer(found)
    raw = found.tensors["input.raw_wav_i16"].double() / 32768
    source = Sounds({str(i): Waveform(wave.float().numpy()) for i, wave in enumerate(raw)})
    prompts = found.meta["prompts"]["unequal_prompts"]
    texts = [prompt.partition("</Speech> ")[2].removesuffix("\nASSISTANT:") for prompt in prompts]
    asked = [request(str(i), text, sample=str(i), generation=KINDS[kind]) for i, text in enumerate(texts)]
    given = answers(model(found), asked, source)
    for index in range(2):
        ids = found.tensors[f"unequal.single{index}.{kind}_ids"][0].tolist()[1:]
        assert given[str(index)].text == words.decode(ids, skip_special_tokens=True).strip()


def mixed(found):
    """Requests that differ in everything: instruction, clip, scale, cap; some without audio."""
    wave = found.waves()[0].float()
    clips = {"0": wave, "1": wave[:20_000], "2": wave.flip(0), "3": wave[8000:50_000]}
    source = Sounds({name: Waveform(clip.numpy()) for name, clip in clips.items()})
    texts = ["Say it.", "Please describe the audio.", "", "What is heard in this audio, and who is speaking?"]
    asked = [
        msgspec.structs.replace(
            request(f"{number}", texts[number % 4], scale=SCALES[number % 3], sample=str(number * 7 % 4)),
            generation=msgspec.structs.replace(GREEDY, max_new_tokens=(5, 20, 12)[number % 3]),
        )
        for number in range(10)
    ]
    asked[4] = msgspec.structs.replace(asked[4], clips=(), text="a person is excited")
    asked[7] = msgspec.structs.replace(asked[7], clips=())
    return asked, source


def test_batch_size_order_and_neighbours_do_not_change_an_answer():
    found = case("model/P2_eos")
    asked, source = mixed(found)
    alone = answers(model(found, rows=1), asked, source)
    assert len({answer.text for answer in alone.values()}) > 5
    assert answers(model(found, rows=3), asked, source) == alone
    assert answers(model(found, rows=16), asked[::-1], source) == alone


def test_a_request_with_two_clips_is_an_error_of_its_own():
    found = case("model/P2_eos")
    good = request("good", "Say it.")
    bad = msgspec.structs.replace(request("bad", "Say it."), clips=good.clips * 2)
    given = answers(model(found), [bad, good], sounds(found))
    assert given["good"].error is None
    assert given["bad"].error == "model `mini` hears one clip; the request has 2"


def test_log_probabilities_sum_to_the_reference_s_loss():
    found = case("model/P3_nq2_w0.5_s0.25")
    for scale in SCALES:
        asked = request("a", instruction(found), scale=scale)
        (told,) = model(found).logprobs([asked], found.meta["texts"], sounds(found))
        loss = found.tensors[f"scale{scale:g}.tf_loss"].item()
        assert len(told.logprobs) == int(found.tensors["target_mask"].sum())
        assert -sum(told.logprobs) / len(told.logprobs) == pytest.approx(loss, abs=1e-4)


def test_log_probabilities_of_text_in_place_of_audio_and_of_the_empty_instruction():
    found = case("model/P2_eos")
    heard = request("heard", "")
    read = msgspec.structs.replace(request("read", ""), clips=(), text="hello")
    told = list(model(found).logprobs([heard, read], ["one", "two words"], sounds(found)))
    assert [(one.key, one.continuation) for one in told] == [
        ("heard", "one"), ("heard", "two words"), ("read", "one"), ("read", "two words")
    ]  # fmt: skip
    assert told[0].logprobs != told[2].logprobs
    words, llama = tokenizer(found), network(found.folder).llama
    ids = [
        [1, *words("USER: <Speech>", add_special_tokens=False).input_ids],
        words("hello", add_special_tokens=False).input_ids,
        words("</Speech> \nASSISTANT:", add_special_tokens=False).input_ids,
        [*words("one", add_special_tokens=False).input_ids, 2],
    ]
    row = torch.tensor([[token for piece in ids for token in piece]])
    for layer in llama.modules():
        if hasattr(layer, "scaling") and isinstance(layer.scaling, dict):
            layer.scaling["default"] = 4.0
    with torch.inference_mode():
        spread = llama(input_ids=row).logits[0].log_softmax(-1)
    n = len(ids[-1])
    loose = [spread[len(row[0]) - n + i - 1, ids[-1][i]].item() for i in range(n)]
    assert told[2].logprobs == pytest.approx(loose, abs=1e-4)
