"""Which device a torch backend computes on."""

import re
from typing import Any

from salmonn_eval.errors import PrerequisiteError, UsageError

_NAME = re.compile(r"auto|cpu|cuda(:\d+)?")


def torch_device(name: str) -> Any:
    """`torch.device` for `auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.

    Raises UsageError for another name and PrerequisiteError where there is no such GPU.
    """
    import torch

    if not _NAME.fullmatch(name):
        raise UsageError(f"--device {name}: expected auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise PrerequisiteError(f"--device {name}: PyTorch {torch.__version__} sees {count} GPUs; use --device cpu")
    return device
