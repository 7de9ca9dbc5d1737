"""A network with its weights, and the tokenizer that belongs to it."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.salmonn.network import Salmonn


class Loaded(Struct, frozen=True, eq=False):
    """What a checkpoint becomes."""

    network: Salmonn
    tokenizer: Any


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, `tokenizer.json` or LLaMA's `tokenizer.model`; no code of the folder runs.

    Raises PrerequisiteError if it cannot be read or lacks the beginning or end of sequence.
    """
    import transformers

    library: Any = transformers
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as fault:
        said = str(fault).splitlines()[0]
        raise PrerequisiteError(f"{folder}: its tokenizer cannot be read ({said}); fetch it again") from fault
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise PrerequisiteError(f"{folder}: its tokenizer lacks bos_token or eos_token; expected both")
    return tokenizer
