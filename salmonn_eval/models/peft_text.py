"""A LoRA adapter of the peft library on a causal language model of transformers: text in, text out.

It is asked the instruction alone, after a request's text if it has one (what stands in place of the audio), in the
card's template; what the tokenizer puts around a text by itself (a beginning of sequence, say) is kept. LoRA scales act
row by row as in SALMONN, so that what a scale does to an instruction can be seen without any hearing.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.device import torch_device
from salmonn_eval.models.protocol import AudioSource, ModelCard
from salmonn_eval.models.salmonn.files import folder_files, hashes
from salmonn_eval.models.whisper_loading import quiet
from salmonn_eval.records import Prediction, Request, TokenLogprobs

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
ROWS = 16


class PeftText:
    """The model; `batch_size` rows are answered at a time."""

    def __init__(self, card: ModelCard, network: Any, tokenizer: Any, batch_size: int) -> None:
        """`network` has its LoRA layers in it. Raises UsageError where it cannot be driven row by row."""
        from salmonn_eval.models.salmonn.language import Language

        self.card = card
        self._tokenizer = tokenizer
        self._end = int(tokenizer.eos_token_id)
        said = network.generation_config.eos_token_id
        ends = {self._end, *(said if isinstance(said, list) else [self._end if said is None else said])}
        self._language = Language(network, sorted(ends), rows=batch_size)

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answers in the order in which they are finished."""
        from salmonn_eval.models.salmonn.ask import Ask

        asks = (
            Ask(request.key, self._prompt(request), request.generation, request.variant.lora_scale)
            for request in requests
        )
        since = time.perf_counter()
        for answer in self._language.generate(asks):
            text = self._tokenizer.decode(answer.ids, skip_special_tokens=True).strip()
            now = time.perf_counter()
            yield Prediction(answer.key, text, answer.finish, answer.tokens_in, len(answer.ids), now - since)
            since = now

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Of each continuation under each request, in order: its tokens, and the end."""
        from salmonn_eval.models.salmonn.ask import Forced

        tokens = tuple((*self._ids(text, add_special_tokens=False), self._end) for text in continuations)
        keys: list[str] = []

        def forced() -> Iterator[Forced]:
            for request in requests:
                keys.append(request.key)
                yield Forced(self._prompt(request), tokens, request.variant.lora_scale)

        for index, values in enumerate(self._language.logprobs(forced())):
            number, place = divmod(index, len(continuations))
            yield TokenLogprobs(keys[number], continuations[place], values)

    def _prompt(self, request: Request) -> Any:
        from salmonn_eval.models.salmonn.prompt import Prompt

        asked = f"{request.text} {request.instruction}" if request.text else request.instruction
        return Prompt(self._ids(self.card.template.replace("{instruction}", asked)), None, ())

    def _ids(self, text: str, **settings: bool) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, **settings).input_ids)


class PeftBackend:
    """Needs the arguments `base` and `adapter`, both folders."""

    dtypes: tuple[str, ...] = ("float32", "bfloat16", "float16")

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """Hashes of the language model's and of the adapter's files."""
        adapter = Path(str(arguments["adapter"]))
        base = folder_files(Path(str(arguments["base"])), tokenizer=True)
        return {"base": hashes(base), "adapter": hashes(adapter / name for name in (CONFIG, WEIGHTS))}

    def default_lora_scale(self, arguments: Mapping[str, Any]) -> float:
        """Alpha / r of the adapter, or alpha / √r where peft's `use_rslora` says so."""
        said = _adapter_config(arguments)
        rank = float(said["r"])
        return float(said["lora_alpha"]) / (math.sqrt(rank) if said.get("use_rslora") else rank)

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> PeftText:
        """Load both from local safetensors; nothing is fetched and no code of a folder runs."""
        target = torch_device(device)
        network, tokenizer = _load(card)
        return PeftText(card, network.to(target), tokenizer, batch_size or ROWS)


def _adapter_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    path = Path(str(arguments["adapter"])) / CONFIG
    said = read_whole(path, dict[str, Any], what="configuration of a peft adapter")
    if said.get("peft_type") != "LORA" or not said.get("r") or "lora_alpha" not in said:
        raise UsageError(f"{path}: peft_type is {said.get('peft_type')}; expected LORA with r and lora_alpha")
    return said


def _load(card: ModelCard) -> tuple[Any, Any]:
    """Network with the adapter in it, and tokenizer. PrerequisiteError if files are broken or weights missing."""
    import peft
    import torch
    import transformers
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    library: Any = transformers
    adapters: Any = peft
    base, adapter = (Path(str(card.arguments[name])) for name in ("base", "adapter"))
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer = library.AutoTokenizer.from_pretrained(base, **local)
            network, report = library.AutoModelForCausalLM.from_pretrained(
                base, dtype=getattr(torch, card.dtype), use_safetensors=True, output_loading_info=True, **local
            )
        adapted = adapters.inject_adapter_in_model(adapters.LoraConfig.from_pretrained(adapter), network)
        outcome = adapters.set_peft_model_state_dict(adapted, load_file(adapter / WEIGHTS))
    except (OSError, ValueError, RuntimeError, SafetensorError) as fault:
        said = str(fault).splitlines()[0]
        raise PrerequisiteError(f"{adapter} on {base}: cannot be loaded ({said}); check both folders") from fault
    # The libraries would leave these at random numbers, or drop them.
    lacking = [*sorted(report["missing_keys"]), *(key for key in outcome.missing_keys if ".lora_" in key)]
    if lacking or outcome.unexpected_keys:
        wrong = f"lack {lacking[0]}" if lacking else f"hold {outcome.unexpected_keys[0]}, which the network does not"
        raise PrerequisiteError(f"{adapter} on {base}: the weights {wrong}; give the base that the adapter is for")
    return adapted.to(getattr(torch, card.dtype)), tokenizer


BACKEND = PeftBackend()
