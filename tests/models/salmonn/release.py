"""A release in small: the files as they are published, made of a parity case's weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from parity import Case
from safetensors.torch import load_file, save_file
from torch import Tensor

from salmonn_eval.models.salmonn.checkpoint import ReleaseFiles, Trained

TRAINED = Trained(qformer_heads=4)
TRAINED_PART = ("speech_query_tokens", "speech_Qformer.", "ln_", "speech_llama_proj.")
LLAMA = "llama_model.base_model.model."
PADDED = ("lm_head.weight", "model.embed_tokens.weight")


def write_release(found: Case, folder: Path) -> ReleaseFiles:
    """`salmonn.pth`, `beats.pt`, `whisper/` and `llama/`; buffers, aliases and an unused Whisper decoder with them."""
    spec = found.meta["spec"]
    weights = load_file(found.folder / "state_dict.safetensors")
    files = ReleaseFiles(
        folder / "salmonn.pth", folder / "whisper", folder / "llama", folder / "beats.pt" if spec["beats"] else None
    )
    folder.mkdir(parents=True, exist_ok=True)
    trained = {k: v for k, v in weights.items() if k.startswith(TRAINED_PART) or ".lora_" in k}
    if files.beats:
        beats = part(weights, "beats.")
        table = beats["encoder.layers.0.self_attn.relative_attention_bias.weight"]
        beats["encoder.layers.1.self_attn.relative_attention_bias.weight"] = table
        trained["beats.encoder.layers.1.self_attn.relative_attention_bias.weight"] = table
        torch.save({"cfg": spec["beats"], "model": beats, "label_dict": {0: "/m/09x0r"}}, files.beats)
    trained["speech_Qformer.bert.embeddings.position_ids"] = torch.arange(512)[None]
    trained[f"{LLAMA}model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(6)
    torch.save({"model": trained, "optimizer": {}, "config": {}, "scaler": None, "epoch": 0}, files.ckpt)
    whisper = {f"model.encoder.{k}": v for k, v in part(weights, "speech_encoder.").items()}
    write_folder(files.whisper, spec["whisper"], whisper | {"model.decoder.layer_norm.weight": torch.ones(32)})
    llama = {k: v for k, v in part(weights, LLAMA).items() if ".lora_" not in k}
    write_folder(files.llm, spec["llama"], {k: v[:-1].clone() if k in PADDED else v for k, v in llama.items()})
    shutil.copy(found.folder / "tokenizer.model", files.llm)
    (files.llm / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
    return files


def part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def write_folder(folder: Path, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "some", "transformers_version": "4.28.0"}))
    save_file(weights, folder / "model.safetensors")
