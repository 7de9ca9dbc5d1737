import pytest
import torch
from parity import MODELS, case, difference, network

from salmonn_eval.models.salmonn.config import BeatsConfig, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.hearing import Hearing
from salmonn_eval.models.salmonn.names import to_ours

OUTSIDE = {"P1_full_1500", "P4_batch3_equal_prompts_unequal_audio"}
QFORMER = ["A_w0.333333_nq1", "B_w0.333333_nq2", "C_w0.5_s0.25_nq1", "F_not_window_level"]


def check_qformer(found) -> None:
    """From encoder outputs to speech embeddings; the encoders themselves are as small as can be."""
    spec, tensors = found.meta["spec"], found.tensors
    audio = tensors.get("audio_features", [None] * len(tensors["speech_features"]))
    no_layers = {"encoder_layers": 0, "encoder_attention_heads": 1}
    hearing = Hearing(
        SalmonnConfig(
            llama={"hidden_size": spec["d_llama"]},
            whisper=WhisperConfig(d_model=spec["d_speech"], max_source_positions=8, **no_layers),
            beats=None if audio[0] is None else BeatsConfig(encoder_embed_dim=spec["d_audio"], **no_layers),
            qformer=QformerConfig(
                queries=spec["nq"],
                window_level=spec.get("window_level", "windows" in found.meta and found.meta["windows"] > 1),
                window_s=spec["win"],
                stride_s=spec["stride"],
                **spec["bert"],
            ),
        )
    ).eval()
    theirs = {name[11:]: tensor for name, tensor in tensors.items() if name.startswith("state_dict.")}
    ours = to_ours(theirs, {f"hearing.{name}": None for name in hearing.state_dict()})
    told = hearing.load_state_dict({name[8:]: theirs[key] for key, name in ours.items()}, strict=False)
    assert not told.unexpected_keys
    assert not [key for key in told.missing_keys if not key.startswith(("whisper.", "beats."))]
    with torch.inference_mode():
        joined = [hearing.join(*pair) for pair in zip(tensors["speech_features"], audio, strict=True)]
        embeds = torch.stack([hearing.projection(answer) for answer in hearing.qformer(joined)])
    assert difference(embeds, tensors["speech_embeds"]) < 2e-5


@pytest.mark.parametrize("name", ["D_w0.5_s0.25_nq2", "E_no_beats"])
def test_qformer_equals_the_reference(name):
    check_qformer(case(f"qformer/{name}"))


@pytest.mark.parametrize("name", QFORMER)
def test_qformer_equals_the_reference_in_further_cases(name, shared):
    check_qformer(case(f"qformer/{name}", shared / "parity"))


def check_hearing(found) -> None:
    hearing, tensors, waves = network(found.folder).hearing, found.tensors, found.waves()
    with torch.inference_mode():
        together = hearing(waves)
        for index, wave in enumerate(waves):
            theirs = tensors.get(f"single{index}.speech_embeds")
            theirs = tensors["speech_embeds"][index] if theirs is None else theirs[0]
            (alone,) = hearing([wave])
            assert difference(alone, theirs) < 2e-5
            assert difference(together[index], theirs) < 2e-5


@pytest.mark.parametrize("name", MODELS)
def test_speech_embeddings_equal_the_reference(name):
    check_hearing(case(f"model/{name}"))


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_speech_embeddings_of_recordings_and_of_unequal_clips(name, shared):
    check_hearing(case(f"model/{name}", shared / "parity"))


def test_whisper_s_encoder_equals_the_reference():
    found = case("model/P2_eos")
    with torch.inference_mode():
        heard = network(found.folder).hearing.listen(found.tensors["spectrogram"])
    assert difference(heard, found.tensors["whisper_last_hidden"]) < 2e-5


def test_every_clip_becomes_equally_many_embeddings():
    hearing = network(case("model/P2_eos").folder).hearing
    with torch.inference_mode():
        for seconds in (1.0, 2.7, 5.0, 9.0):
            wave = torch.sin(torch.arange(int(seconds * 16_000)) / 7.0)
            assert len(hearing([wave])[0]) == hearing.config.speech_tokens


def test_what_is_longer_than_whisper_hears_is_not_heard():
    hearing = network(case("model/P2_eos").folder).hearing
    wave = torch.sin(torch.arange(7 * 16_000) / 7.0)
    with torch.inference_mode():
        assert difference(hearing([wave])[0], hearing([wave[: 5 * 16_000]])[0]) == 0.0


def test_the_release_s_windows():
    """88 of 17 positions, the last 4 dropped; a quarter of a second is 12 positions: halves round to even."""
    assert QformerConfig().kernel == QformerConfig().stride == 17
    assert QformerConfig().windows(1500) == 88
    short = QformerConfig(window_s=0.5, stride_s=0.25)
    assert (short.kernel, short.stride, short.windows(1500)) == (25, 12, 123)
