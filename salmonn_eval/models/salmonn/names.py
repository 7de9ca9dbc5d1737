"""The two-way map between our names of weights and the release's.

Ours are the modules' own. The release's are those of `state_dict()` of its network: `salmonn_v1.pth` holds the trained
ones, `beats.pt` and the folders of Whisper and Vicuna the others under names that lack the prefix.
"""

import re
from collections.abc import Mapping

# Ours and the release's; the first prefix that fits is exchanged.
_PREFIXES = (
    ("hearing.whisper.", "speech_encoder."),
    ("hearing.ln_speech.", "ln_speech."),
    ("hearing.beats.encoder.relative_attention_bias.", "beats.encoder.layers.0.self_attn.relative_attention_bias."),
    ("hearing.beats.", "beats."),
    ("hearing.ln_audio.", "ln_audio."),
    ("hearing.qformer.query_tokens", "speech_query_tokens"),
    ("hearing.qformer.bert.layernorm.", "speech_Qformer.bert.embeddings.LayerNorm."),
    ("hearing.qformer.bert.", "speech_Qformer.bert."),
    ("hearing.projection.", "speech_llama_proj."),
    ("llama.", "llama_model.base_model.model."),
)
_BLOCK = re.compile(r"(\.(?:cross)?attention)\.(attention|self)\.(?=query|key|value)")
# Spellings of other versions of peft (LoRA: 0.2; the projection under it: before 0.7) and of PyTorch's weight norm.
_SPELLINGS = (
    (re.compile(r"\.lora_(A|B)\.weight$"), r".lora_\1.default.weight"),
    (re.compile(r"\.parametrizations\.weight\.original0$"), ".weight_g"),
    (re.compile(r"\.parametrizations\.weight\.original1$"), ".weight_v"),
)
# Saved beside the weights, and computed or shared: their presence changes nothing.
_SUPERFLUOUS = re.compile(
    r"(.*\.)?rotary_emb\.inv_freq"
    r"|speech_Qformer\.bert\.embeddings\.position_ids"
    r"|beats\.encoder\.layers\.[1-9]\d*\.self_attn\.relative_attention_bias\.weight"
)


def to_release(name: str) -> str:
    """The release's name of a weight of ours, in the spelling of peft 0.3 (`lora_A.default`, no `base_layer`)."""
    for ours, theirs in _PREFIXES:
        if name.startswith(ours):
            name = theirs + name.removeprefix(ours)
            break
    if name.startswith("speech_Qformer."):
        name = _BLOCK.sub(r"\1.self.", name)
    return name.replace(".base_layer.", ".")


def to_ours(names: Mapping[str, object], known: Mapping[str, object]) -> dict[str, str]:
    """Our name of each name in a file, the release's or ours; `known` are those of our network.

    What is superfluous is left out; a name that is no known one's stays, to be refused by whoever fills the network.
    """
    ours = {to_release(name): name for name in known}
    return {name: ours.get(to_release(_spelling(name)), name) for name in names if not _SUPERFLUOUS.fullmatch(name)}


def _spelling(name: str) -> str:
    for pattern, replacement in _SPELLINGS:
        name = pattern.sub(replacement, name)
    return name
