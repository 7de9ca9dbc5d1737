"""A small SALMONN in a folder of our own, and a training file over real recordings."""

import json
from pathlib import Path

import parity
import pytest
import torch

from salmonn_eval.bundled import bundled
from salmonn_eval.models.salmonn.config import LoraSettings, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.folder import save
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.network import Salmonn

WORDS = ["gun shots", "a person is excited", "the speech of a man", "what is it"]


@pytest.fixture(scope="session")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole network that hears two seconds, with random weights."""
    tokenizer = load_tokenizer(parity.case("model/P5_no_beats").folder)
    llama = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    config = SalmonnConfig(
        llama=llama,
        whisper=WhisperConfig(16, 1, 2, 32, 80, 100),
        beats=None,
        qformer=QformerConfig(16, 2, 32, 1),
        lora=LoraSettings(r=2, alpha=8),
    )
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("network")
    save(Loaded(Salmonn(config), tokenizer), folder)
    return folder


@pytest.fixture
def training_file(tmp_path: Path, network_folder: Path) -> Path:
    """Six steps of stage 2 on four clips of LibriSpeech."""
    audio = sorted((bundled("tasks") / "mini-real" / "audio").glob("*.flac"))[: len(WORDS)]
    rows = [
        {"id": clip.stem, "audio": str(clip), "text": text, "duration_s": 2.0}
        for clip, text in zip(audio, WORDS, strict=True)
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "stage.yaml"
    file.write_text(
        f"""\
stage: instruct
network: {{folder: {network_folder}}}
data:
  - {{manifest: train.jsonl, task: asr}}
steps: 6
batch_size: 2
precision: "no"
optimiser: {{peak_lr: 1.0e-2, first_lr: 1.0e-3, last_lr: 1.0e-3, warmup_steps: 2, lora_factor: 2.0, clip: 1.0}}
save_every: 2
seed: 3
"""
    )
    return file
