"""Where a run's numbers come from: versions, source state, machine. Never a secret."""

import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from salmonn_eval.version import __version__

PACKAGES = ("torch", "transformers", "peft", "numpy", "soundfile", "soxr", "rapidfuzz", "sacrebleu", "pocketsphinx")
# A name that ends like a secret's (`api_key`, `HF_TOKEN`; not `max_new_tokens`), and values that look like one.
_NAME = r"(?:[\w.]*[-_.])?(?:key|token|secret|password)"
_NAMED = re.compile(rf"(?i)(^|.*[=-])({_NAME})=.*", re.DOTALL)
_OPTION = re.compile(rf"(?i)--{_NAME}")
_TOKEN = re.compile(r"\b(?:hf_|sk-|ghp_)[\w-]{16,}")


def provenance(command: Sequence[str], device: str) -> dict[str, Any]:
    """Versions of what takes part, git state of a source tree, device, and the command with secrets struck out."""
    return {
        "salmonn_eval": __version__,
        "git": _git(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "device": device,
        "gpu": _gpu(),
        "command": redacted(command),
    }


def redacted(command: Sequence[str]) -> list[str]:
    """Command words with every value that is named like a secret, or looks like one, replaced by `***`."""
    shown: list[str] = []
    hide_next = False
    for word in command:
        shown.append("***" if hide_next else _TOKEN.sub("***", _NAMED.sub(r"\1\2=***", word)))
        hide_next = _OPTION.fullmatch(word) is not None
    return shown


def without_tokens(text: str) -> str:
    """A text with whatever looks like a token struck out: error messages may quote what they were given."""
    return _TOKEN.sub("***", text)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(folder: Path) -> dict[str, Any] | None:
    """Commit and whether the tree was changed; None outside a checkout of this project."""
    if not (folder / ".git").exists():
        return None
    try:
        commit = _run_git(folder, "rev-parse", "HEAD")
        return {"commit": commit.strip(), "dirty": bool(_run_git(folder, "status", "--porcelain").strip())}
    except (OSError, subprocess.SubprocessError):
        return None


def _run_git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout


def _gpu() -> str | None:
    """The GPU's name where torch is in use already; asking must not import it."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
