import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from clip_source import Clips

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import OutOfMemoryError
from salmonn_eval.models.whisper import Whisper
from salmonn_eval.models.whisper_loading import load_checkpoint
from salmonn_eval.records import Generation, Prediction
from salmonn_eval.waveform import Waveform

GREEDY = Generation(max_new_tokens=30)
BEAMS = Generation(max_new_tokens=30, num_beams=4, length_penalty=0.8)
SAMPLED = Generation(max_new_tokens=12, do_sample=True, temperature=0.7, top_p=0.9)


@cache
def loaded(folder: Path, dtype: str, arguments: tuple[tuple[str, str], ...]):
    card = registry.resolve("whisper", {"ckpt": str(folder), **dict(arguments)}, dtype)
    return card, load_checkpoint(card, "cpu")


def load(folder: Path, batch_size: int = 8, dtype: str = "float32", **arguments: str) -> Whisper:
    """A new model over weights that are read once."""
    return Whisper(*loaded(folder, dtype, tuple(arguments.items())), batch_size)


def answers(model, requests, clips) -> dict[str, Prediction]:
    found = list(model.generate(requests, clips))
    assert len(found) == len(requests)
    return {prediction.key: msgspec.structs.replace(prediction, seconds=0.0) for prediction in found}


@pytest.mark.parametrize("generation", [GREEDY, BEAMS, SAMPLED], ids=["greedy", "beams", "sampled"])
def test_batch_size_and_order_do_not_change_an_answer(whisper_folder, real_clips, make_requests, generation):
    requests = make_requests(list(real_clips.waveforms_by_key)[:5], generation=generation)
    alone = answers(load(whisper_folder, 1), requests, real_clips)
    assert len({prediction.text for prediction in alone.values()}) > len(alone) // 2
    assert all(prediction.text for prediction in alone.values())
    assert answers(load(whisper_folder, 3), requests[::-1], real_clips) == alone


def test_greedy_answer_is_the_argmax_chain(whisper_folder, real_clips, make_requests):
    """An independent loop over the network's own forward pass gives the same tokens."""
    import torch
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

    network = WhisperForConditionalGeneration.from_pretrained(whisper_folder).eval()
    tokenizer = WhisperTokenizer.from_pretrained(whisper_folder)
    words = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    start = tokenizer.convert_tokens_to_ids(words)
    end, suppressed = tokenizer.eos_token_id, network.generation_config.suppress_tokens
    (request,) = make_requests(list(real_clips.waveforms_by_key)[:1])
    mel = WhisperFeatureExtractor.from_pretrained(whisper_folder)(
        real_clips.waveforms_by_key[request.key].samples, sampling_rate=16_000, return_tensors="pt"
    ).input_features
    tokens = list(start)
    with torch.no_grad():
        while len(tokens) - len(start) < GREEDY.max_new_tokens and tokens[-1] != end:
            scores = network(input_features=mel, decoder_input_ids=torch.tensor([tokens])).logits[0, -1]
            scores[suppressed] = -torch.inf
            if len(tokens) == len(start):
                scores[end] = -torch.inf
            tokens.append(int(scores.argmax()))
    (found,) = load(whisper_folder).generate([request], real_clips)
    assert found.text == tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert found.tokens_out == len(tokens) - len(start)
    assert found.tokens_in == 4


def test_beam_search_is_another_search_than_greedy(whisper_folder, real_clips, make_requests):
    names = list(real_clips.waveforms_by_key)[:3]
    model = load(whisper_folder)
    greedy = answers(model, make_requests(names, generation=GREEDY), real_clips)
    beams = answers(model, make_requests(names, generation=BEAMS), real_clips)
    assert any(greedy[name].text != beams[name].text for name in names)


def test_requests_with_other_settings_do_not_share_a_batch(whisper_folder, real_clips, make_requests):
    names = list(real_clips.waveforms_by_key)[:2]
    short = make_requests(names, generation=Generation(max_new_tokens=3))
    long = [msgspec.structs.replace(r, key=r.key, generation=GREEDY) for r in short]
    found = list(load(whisper_folder, 8).generate([short[0], long[1]], real_clips))
    assert [prediction.key for prediction in found] == names
    assert found[0].tokens_out == 3
    assert found[0].finish == "length"
    assert found[1].tokens_out != 3


def test_cap_is_held_and_told_as_length(whisper_folder, real_clips, make_requests):
    requests = make_requests(real_clips.waveforms_by_key, generation=Generation(max_new_tokens=2))
    for prediction in load(whisper_folder).generate(requests, real_clips):
        assert prediction.tokens_out <= 2
        assert prediction.finish == "length" or prediction.tokens_out == 2


def test_cap_beyond_the_decoder_positions_ends_with_length_or_eos(whisper_folder, real_clips, make_requests):
    (request,) = make_requests(list(real_clips.waveforms_by_key)[:1], generation=Generation(max_new_tokens=400))
    (found,) = load(whisper_folder).generate([request], real_clips)
    assert found.tokens_out <= 64 - 4
    assert found.finish == ("length" if found.tokens_out == 60 else "eos")


def test_both_ends_of_an_answer_occur(whisper_folder, real_clips, make_requests):
    """The tiny network ends some answers by itself, so both values of `finish` are exercised."""
    requests = make_requests(real_clips.waveforms_by_key, generation=Generation(max_new_tokens=25))
    assert {p.finish for p in load(whisper_folder).generate(requests, real_clips)} == {"eos", "length"}


def test_cut_seconds_are_the_policy_s_and_the_window_s(whisper_folder, real_clips, make_requests):
    noise = np.random.default_rng(0).normal(0, 0.1, 11 * 16_000).astype(np.float32)
    clips = Clips({"cut": Waveform(noise[: 10 * 16_000], cut_s=12.5), "long": Waveform(noise)})
    found = answers(load(whisper_folder), make_requests(["cut", "long"]), clips)
    assert found["cut"].cut_s == 12.5
    assert found["long"].cut_s == 1.0
    assert found["cut"].text == found["long"].text


def test_each_request_asks_for_its_audio_once_and_lazily(whisper_folder, real_clips, make_requests):
    clips = Clips(real_clips.waveforms_by_key)
    requests = make_requests(real_clips.waveforms_by_key)
    stream = load(whisper_folder, 2).generate(iter(requests), clips)
    next(stream)
    assert clips.asked == [request.key for request in requests[:2]]


def test_a_request_without_or_with_two_clips_is_an_error_of_its_own(whisper_folder, real_clips, make_requests):
    name = next(iter(real_clips.waveforms_by_key))
    requests = make_requests(["nothing"], clips=0) + make_requests(["two"], clips=2) + make_requests([name])
    found = answers(load(whisper_folder), requests, real_clips)
    assert [found[key].finish == "error" for key in ("nothing", "two", name)] == [True, True, False]
    assert "exactly one clip" in found["two"].error
    assert found["two"].text is None


def test_english_only_checkpoint_works_and_refuses_another_language(english_whisper_folder, real_clips, make_requests):
    requests = make_requests(list(real_clips.waveforms_by_key)[:2])
    found = answers(load(english_whisper_folder), requests, real_clips)
    assert all(prediction.tokens_in == 2 and prediction.text for prediction in found.values())
    with pytest.raises(UsageError, match="English-only"):
        load(english_whisper_folder, language="de")


def test_language_reaches_the_decoder(whisper_folder, real_clips, make_requests):
    requests = make_requests(list(real_clips.waveforms_by_key)[:2])
    english, german = (answers(load(whisper_folder, language=to), requests, real_clips) for to in ("en", "de"))
    assert {p.text for p in english.values()} != {p.text for p in german.values()}
    with pytest.raises(UsageError, match=r"lacks <\|xx\|>"):
        load(whisper_folder, language="xx")


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_computes_in_it(whisper_folder, real_clips, make_requests, dtype):
    import torch

    model = load(whisper_folder, dtype=dtype)
    assert model.card.dtype == {"bf16": "bfloat16", "fp16": "float16"}[dtype]
    assert next(model._checkpoint.model.parameters()).dtype == getattr(torch, model.card.dtype)
    requests = make_requests(list(real_clips.waveforms_by_key)[:2])
    assert all(p.text for p in model.generate(requests, real_clips))


def test_log_probabilities_are_those_of_a_plain_forward_pass(whisper_folder, real_clips, make_requests):
    import torch
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

    continuations = ["yes", "no", "the quick brown fox"]
    requests = make_requests(list(real_clips.waveforms_by_key)[:2])
    found = list(load(whisper_folder, 2).logprobs(requests, continuations, real_clips))
    assert [(p.key, p.continuation) for p in found] == [(r.key, c) for r in requests for c in continuations]

    network = WhisperForConditionalGeneration.from_pretrained(whisper_folder).eval()
    tokenizer = WhisperTokenizer.from_pretrained(whisper_folder)
    start = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"])
    extract = WhisperFeatureExtractor.from_pretrained(whisper_folder)
    for values in found:
        samples = real_clips.waveforms_by_key[values.key].samples
        mel = extract(samples, sampling_rate=16_000, return_tensors="pt").input_features
        tokens = [*tokenizer(f" {values.continuation}", add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        with torch.no_grad():
            logits = network(input_features=mel, decoder_input_ids=torch.tensor([start + tokens])).logits[0]
        spread = logits.log_softmax(-1)
        expected = [float(spread[len(start) - 1 + place, token]) for place, token in enumerate(tokens)]
        assert values.logprobs == pytest.approx(expected, abs=1e-3)


def test_out_of_memory_halves_the_batch_and_keeps_every_answer(whisper_folder, real_clips, make_requests, monkeypatch):
    """The network's encoder is made to refuse more than two clips at once, as a full GPU would."""
    import torch

    requests = make_requests(real_clips.waveforms_by_key, generation=Generation(max_new_tokens=8))
    expected = answers(load(whisper_folder, 1), requests, real_clips)
    model = load(whisper_folder, 8)
    encoder = model._checkpoint.model.get_encoder()
    whole, sizes = encoder.forward, []

    def forward(input_features, **rest):
        sizes.append(len(input_features))
        if len(input_features) > 2:
            raise torch.cuda.OutOfMemoryError("full")
        return whole(input_features, **rest)

    monkeypatch.setattr(encoder, "forward", forward)
    assert answers(model, requests, real_clips) == expected
    assert sizes[:3] == [8, 4, 2]
    assert max(sizes[3:]) <= 4


def test_one_clip_that_does_not_fit_is_out_of_memory(whisper_folder, real_clips, make_requests, monkeypatch):
    import torch

    model = load(whisper_folder)

    def forward(*_, **__):
        raise torch.cuda.OutOfMemoryError("full")

    monkeypatch.setattr(model._checkpoint.model.get_encoder(), "forward", forward)
    with pytest.raises(OutOfMemoryError, match="one clip"):
        list(model.generate(make_requests(list(real_clips.waveforms_by_key)[:3]), real_clips))


def test_nothing_of_the_checkpoint_s_generation_settings_leaks_in(whisper_folder, real_clips, make_requests, tmp_path):
    """A checkpoint that asks for beams, sampling and a short cap answers as one that does not."""
    import json
    import shutil

    other = shutil.copytree(whisper_folder, tmp_path / "other")
    settings = json.loads((other / "generation_config.json").read_text())
    settings |= {"num_beams": 3, "max_new_tokens": 2, "repetition_penalty": 1.7, "length_penalty": 2.0}
    (other / "generation_config.json").write_text(json.dumps(settings))
    requests = make_requests(list(real_clips.waveforms_by_key)[:3])
    model = load(other)
    assert answers(model, requests, real_clips) == answers(load(whisper_folder), requests, real_clips)


def test_fingerprint_follows_the_files_not_the_place(whisper_folder, tmp_path):
    import shutil

    def of(folder: Path, dtype: str = "float32", **arguments: str) -> str:
        return registry.resolve("whisper", {"ckpt": str(folder), **arguments}, dtype).fingerprint

    moved = shutil.copytree(whisper_folder, tmp_path / "elsewhere")
    assert of(moved) == of(whisper_folder)
    assert of(moved, "bf16") == of(moved, "bfloat16")
    (moved / "tokenizer_config.json").write_bytes((moved / "tokenizer_config.json").read_bytes() + b" ")
    others = {of(whisper_folder), of(whisper_folder, "bf16"), of(whisper_folder, language="de"), of(moved)}
    assert len(others) == 4


def test_finding_and_resolving_leave_torch_alone(whisper_folder):
    program = (
        "import sys\nfrom salmonn_eval.models import registry\n"
        f"registry.resolve('whisper', {{'ckpt': {str(whisper_folder)!r}}})\n"
        "print([name for name in ('torch', 'transformers', 'pocketsphinx') if name in sys.modules])\n"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(registry.__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=here)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("model.safetensors", "lacks its weights"),
        ("config.json", "lacks its configuration"),
        ("preprocessor_config.json", "lacks its feature extractor"),
    ],
)
def test_missing_file_is_named_with_how_to_get_it(whisper_folder, tmp_path, missing, said):
    import shutil

    folder = shutil.copytree(whisper_folder, tmp_path / "part")
    (folder / missing).unlink()
    with pytest.raises(PrerequisiteError, match=rf"{said}.*hf download"):
        registry.resolve("whisper", {"ckpt": str(folder)})


def test_broken_weights_are_one_sentence(whisper_folder, tmp_path):
    import shutil

    folder = shutil.copytree(whisper_folder, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"not weights")
    card = registry.resolve("whisper", {"ckpt": str(folder)})
    with pytest.raises(PrerequisiteError, match="not a loadable Whisper checkpoint"):
        registry.load(card, device="cpu", dtype="float32", batch_size=None)


def test_weights_that_lack_a_tensor_are_refused(whisper_folder, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(whisper_folder, tmp_path / "gap")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.encoder.conv2.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    card = registry.resolve("whisper", {"ckpt": str(folder)})
    with pytest.raises(PrerequisiteError, match=r"lack 1 tensors, such as model\.encoder\.conv2\.weight"):
        registry.load(card, device="cpu", dtype="float32", batch_size=None)


def test_device_names(whisper_folder):
    card = registry.resolve("whisper", {"ckpt": str(whisper_folder)})
    with pytest.raises(UsageError, match="expected auto, cpu, cuda"):
        registry.load(card, device="gpu", dtype="float32", batch_size=None)
    with pytest.raises(PrerequisiteError, match="use --device cpu"):
        registry.load(card, device="cuda:99", dtype="float32", batch_size=None)
