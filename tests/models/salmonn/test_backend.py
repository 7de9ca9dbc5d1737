import subprocess
import sys
from pathlib import Path

import pytest
from parity import case
from release import write_release
from speaking import answers, instruction, model, request, sounds

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.salmonn.backend import cache_bound
from salmonn_eval.models.salmonn.checkpoint import Trained, load_release
from salmonn_eval.models.salmonn.folder import save, save_adapter

FOUND = case("model/P2_eos")
CARD = registry.find_cards()["salmonn-13b"].read_text()


@pytest.fixture
def files(tmp_path):
    return write_release(FOUND, tmp_path / "release")


@pytest.fixture
def card(tmp_path) -> str:
    """The 13B's card, for a Q-Former of four heads."""
    path = tmp_path / "salmonn-mini.yaml"
    text = CARD.replace("name: salmonn-13b", "name: salmonn-mini").replace("dtype: bfloat16\n", "")
    path.write_text(text.replace("arguments:\n", "arguments:\n  qformer_heads: {help: heads, default: 4}\n"))
    return str(path)


def given(files) -> dict[str, str]:
    names = ("ckpt", "beats", "whisper", "llm")
    return {name: str(getattr(files, name)) for name in names}


def test_a_release_answers_through_its_card_as_the_reference(card, files, tmp_path):
    resolved = registry.resolve(card, given(files))
    assert resolved.dtype == "float32"
    loaded = registry.load(resolved, device="cpu", dtype="float32", batch_size=2, encoder_cache=tmp_path / "cache")
    asked = [request(str(scale), instruction(FOUND), scale=scale) for scale in (4.0, 0.0)]
    # The reference's own network, less its padding row, which no answer of this case has.
    assert {k: a.text for k, a in answers(loaded, asked, sounds(FOUND)).items()} == {
        k: a.text for k, a in answers(model(FOUND), asked, sounds(FOUND)).items()
    }
    assert list((tmp_path / "cache").rglob("*.clip"))


def test_a_folder_of_our_own_answers_alike_and_takes_another_adapter(card, files, tmp_path):
    whole, adapter = tmp_path / "whole", tmp_path / "adapter"
    release = load_release(files, trained=Trained(qformer_heads=4))
    save(release, whole)
    save_adapter(release.network, adapter, base=whole)
    asked = [request("a", instruction(FOUND))]
    texts, prints = set(), set()
    for arguments in (given(files), {"folder": str(whole)}, {"folder": str(whole), "adapter": str(adapter)}):
        resolved = registry.resolve(card, arguments)
        loaded = registry.load(resolved, device="cpu", dtype="float32", batch_size=None)
        texts.add(answers(loaded, asked, sounds(FOUND))["a"].text)
        prints.add(resolved.fingerprint)
    assert len(texts) == 1
    assert len(prints) == 3


def test_the_fingerprint_covers_every_file_and_no_place(card, files, tmp_path):
    before = registry.resolve(card, given(files)).fingerprint
    (tmp_path / "release").rename(tmp_path / "elsewhere")
    moved = {name: path.replace("/release/", "/elsewhere/") for name, path in given(files).items()}
    assert registry.resolve(card, moved).fingerprint == before
    for path in sorted((tmp_path / "elsewhere").rglob("*.*")):
        data = path.read_bytes()
        path.write_bytes(data + b"\n")
        assert registry.resolve(card, moved).fingerprint != before, path
        path.write_bytes(data)


@pytest.mark.parametrize(("name", "vicuna"), [("salmonn-13b", "13B v1.1"), ("salmonn-7b", "7B v1.5")])
def test_everything_that_is_missing_is_told_at_once(name, vicuna):
    with pytest.raises(PrerequisiteError) as caught:
        registry.resolve(name, {"whisper": "/some"})
    lines = str(caught.value).splitlines()
    assert lines[0] == f"model `{name}` needs files that were not given:"
    assert [line.split("=")[0].split()[-1] for line in lines[1:4]] == ["ckpt", "beats", "llm"]
    assert f"Vicuna-{vicuna}" in lines[3]
    assert "huggingface.co/tsinghua-ee" in lines[1]


def test_another_vicuna_is_told_by_its_configuration(card, files):
    config = files.llm / "config.json"
    config.write_text(config.read_text().replace('"max_position_embeddings": 2048', '"max_position_embeddings": 4096'))
    with pytest.raises(
        PrerequisiteError, match=r"max_position_embeddings is 4096; the language model of `salmonn-mini` "
    ):
        registry.resolve(card, given(files))
    assert registry.resolve(card, {**given(files), "llm_positions": "0"}).fingerprint


def test_a_missing_file_is_told(card, files):
    with pytest.raises(PrerequisiteError, match=r"no such file or folder: beats=/nowhere\.pt"):
        registry.resolve(card, {**given(files), "beats": "/nowhere.pt"})
    (files.llm / "tokenizer.model").unlink()
    with pytest.raises(PrerequisiteError, match=r"llama: lacks its tokenizer \(tokenizer\.model or tokenizer\.json\)"):
        registry.resolve(card, given(files))


def test_weights_beyond_the_free_memory_are_refused_before_loading(card, files):
    resolved = registry.resolve(card, given(files))
    config = Path(resolved.arguments["llm"]) / "config.json"
    config.write_text(config.read_text().replace('"hidden_size": 48', '"hidden_size": 4800000'))
    with pytest.raises(PrerequisiteError, match=r"GB of weights; cpu has .* GB free: choose another --dtype"):
        registry.load(resolved, device="cpu", dtype="float32", batch_size=None)


def test_an_estimate_loads_nothing(card, files):
    resolved = registry.resolve(card, given(files))
    backend = registry.find_backend("salmonn")
    lines = backend.estimate(resolved, requests=10, clips=10, tokens=20, beams=4)
    assert lines[0].startswith("memory: 0.")
    assert any(line.startswith("H100 80 GB: 16 requests at a time") for line in lines)


def test_models_without_encoder_outputs_refuse_to_keep_them(tmp_path):
    resolved = registry.resolve("pocketsphinx", {})
    with pytest.raises(UsageError, match=r"--encoder-cache .*: `pocketsphinx` keeps no encoder outputs"):
        registry.load(resolved, device="cpu", dtype="float32", batch_size=None, encoder_cache=tmp_path)


def test_resolving_a_card_does_not_import_torch(card, files):
    program = (
        "import sys\nfrom salmonn_eval.models import registry\n"
        f"registry.resolve({card!r}, {given(files)!r})\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_card_s_settings_are_the_release_s():
    """Beams, cap, template and scale of the published decoding."""
    from salmonn_eval.models.cards import read_card

    for name in ("salmonn-13b", "salmonn-7b"):
        found = read_card(registry.find_cards()[name])
        assert found.generation.said() == {"max_new_tokens": 200, "num_beams": 4}
        assert found.template == "USER: <Speech><SpeechHere></Speech> {instruction}\nASSISTANT:"
        assert (found.default_lora_scale, found.capabilities.lora_scale) == (4.0, "per_row")
        assert (found.audio.max_s, found.audio.min_s, found.audio.channels) == (30, 1, "first")


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "inf"])
def test_a_cache_bound_that_is_none_is_refused(text, monkeypatch):
    monkeypatch.setenv("SALMONN_EVAL_ENCODER_CACHE_GB", text)
    with pytest.raises(UsageError, match=f"SALMONN_EVAL_ENCODER_CACHE_GB={text}: expected how many gigabytes"):
        cache_bound()


def test_the_cache_bound_is_twenty_gigabytes_unless_said(monkeypatch):
    monkeypatch.delenv("SALMONN_EVAL_ENCODER_CACHE_GB", raising=False)
    assert cache_bound() == 20 * 2**30
    monkeypatch.setenv("SALMONN_EVAL_ENCODER_CACHE_GB", "0.5")
    assert cache_bound() == 2**29
