"""salmonn-nano's folder with its adapter's B set to zero: an adapter that is there and does nothing."""

from pathlib import Path

import torch

from salmonn_eval.bundled import bundled
from salmonn_eval.models.salmonn.folder import load, save


def write(folder: Path) -> Path:
    loaded = load(bundled("model") / "salmonn-nano")
    with torch.no_grad():
        for name, tensor in loaded.network.named_parameters():
            if ".lora_B." in name:
                tensor.zero_()
    save(loaded, folder)
    return folder
