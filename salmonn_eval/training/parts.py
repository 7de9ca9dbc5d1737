"""The network that training starts from, and which of its weights learn."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from salmonn_eval.models.salmonn import folder
from salmonn_eval.models.salmonn.checkpoint import frozen_parts
from salmonn_eval.models.salmonn.config import SalmonnConfig
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.network import Salmonn, empty
from salmonn_eval.models.salmonn.qformer import WindowQformer
from salmonn_eval.models.salmonn.weights import Piece, fill
from salmonn_eval.training.config import Network, Part, beside, need

LEARNS: dict[Part, tuple[str, ...]] = {
    "qformer": ("hearing.qformer.", "hearing.ln_speech.", "hearing.ln_audio.", "hearing.projection."),
    "lora": (".lora_A.", ".lora_B."),
}
"""What of a network's weights each part is: prefixes, or marks within the name."""


def load_network(network: Network, config_file: Path, *, seed: int, device: str) -> Loaded:
    """The network in float32 on a device; PrerequisiteError for whatever is missing or does not fit."""
    if network.folder is not None:
        return folder.load(beside(config_file, network.folder), device=device)
    whisper, llm = (beside(config_file, need(given, "a part")) for given in (network.whisper, network.llm))
    beats = beside(config_file, network.beats) if network.beats else None
    config, pieces = frozen_parts(whisper, llm, beats)
    config = SalmonnConfig(config.llama, config.whisper, config.beats, network.qformer, network.lora)
    return Loaded(assembled(config, pieces, seed=seed, device=device), load_tokenizer(llm))


def assembled(config: SalmonnConfig, pieces: Sequence[Piece], *, seed: int, device: str = "cpu") -> Salmonn:
    """A network of frozen parts in `pieces`, the weights that learn drawn by a seed."""
    shaped = empty(config)
    start = Piece(Path("(drawn)"), _start(config, shaped, seed), ".*")
    return fill(shaped, [*pieces, start], device=torch.device(device), dtype="float32")


def _start(config: SalmonnConfig, shaped: Salmonn, seed: int) -> dict[str, Tensor]:
    """Weights that learn, as their modules begin; LoRA's A as a linear layer's, its B zero (Hu et al. 2021)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules: dict[str, nn.Module] = {
            "hearing.qformer.": WindowQformer(config.qformer, config.joined_size),
            "hearing.ln_speech.": nn.LayerNorm(config.whisper.d_model),
            "hearing.projection.": nn.Linear(config.qformer.hidden_size, int(config.llama["hidden_size"])),
        }
        if config.beats:
            modules["hearing.ln_audio."] = nn.LayerNorm(config.beats.encoder_embed_dim)
        found = {prefix + name: tensor for prefix, one in modules.items() for name, tensor in one.state_dict().items()}
        for name, tensor in shaped.state_dict().items():
            if ".lora_A." in name:
                found[name] = nn.init.kaiming_uniform_(torch.empty(tensor.shape), a=math.sqrt(5))
            elif ".lora_B." in name:
                found[name] = torch.zeros(tensor.shape)
    return found


def learning(network: Salmonn, parts: Sequence[Part]) -> dict[Part, list[tuple[str, nn.Parameter]]]:
    """Let the parts learn and freeze everything else; the parameters of each part, by name."""
    network.requires_grad_(False)
    found = {part: list(_of(network, part)) for part in parts}
    for parameters in found.values():
        for _, parameter in parameters:
            parameter.requires_grad_(True)
    return found


def _of(network: Salmonn, part: Part) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in network.named_parameters():
        if any(name.startswith(mark) or (mark.startswith(".") and mark in name) for mark in LEARNS[part]):
            yield name, parameter
