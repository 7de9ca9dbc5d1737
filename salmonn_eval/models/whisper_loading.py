"""A Whisper checkpoint in memory: network, tokenizer, feature extractor and the fixed start of every answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.device import torch_device
from salmonn_eval.models.protocol import ModelCard
from salmonn_eval.records import Generation


class Checkpoint(Struct, frozen=True, eq=False):
    """`prompt` are the decoder's first tokens, `end` is its end of sequence, `positions` the most it can hold.

    `suppress` are never generated, `suppress_first` not as the first token: both the checkpoint's own.
    """

    model: Any
    tokenizer: Any
    features: Any
    prompt: tuple[int, ...]
    end: int
    positions: int
    suppress: tuple[int, ...]
    suppress_first: tuple[int, ...]

    def generation_config(self, generation: Generation, max_new_tokens: int) -> Any:
        """The settings of one batch, each said: nothing is left to a default of the checkpoint."""
        import transformers

        library: Any = transformers
        sampling = {"temperature": generation.temperature, "top_p": generation.top_p, "top_k": 0}
        return library.GenerationConfig(
            max_new_tokens=max_new_tokens,
            num_beams=generation.num_beams,
            do_sample=generation.do_sample,
            repetition_penalty=generation.repetition_penalty,
            length_penalty=generation.length_penalty,
            early_stopping=False,
            use_cache=True,
            bos_token_id=self.end,
            eos_token_id=self.end,
            pad_token_id=self.end,
            decoder_start_token_id=self.prompt[0],
            suppress_tokens=list(self.suppress) or None,
            begin_suppress_tokens=list(self.suppress_first) or None,
            return_dict_in_generate=True,
            output_scores=generation.num_beams > 1,  # transformers only then returns beam_indices
            **(sampling if generation.do_sample else {}),
        )


def load_checkpoint(card: ModelCard, device: str) -> Checkpoint:
    """Load what `--model-arg ckpt` points at in the card's dtype. Raises PrerequisiteError if the files are broken."""
    import transformers

    folder = Path(str(card.arguments["ckpt"]))
    target = torch_device(device)
    library: Any = transformers
    model, tokenizer, features = _read(folder, card.dtype)
    own, model.generation_config = model.generation_config, library.GenerationConfig()
    return Checkpoint(
        model=model.to(target).eval(),
        tokenizer=tokenizer,
        features=features,
        prompt=_prompt(card, dict(tokenizer.get_vocab())),
        end=int(tokenizer.eos_token_id),
        positions=int(model.config.max_target_positions),
        suppress=tuple(own.suppress_tokens or ()),
        suppress_first=tuple(own.begin_suppress_tokens or ()),
    )


def _read(folder: Path, dtype: str) -> tuple[Any, Any, Any]:
    """Network, tokenizer and feature extractor from local files; a network with weights missing is refused."""
    import torch
    import transformers
    from safetensors import SafetensorError

    library: Any = transformers
    local = {"pretrained_model_name_or_path": folder, "local_files_only": True}
    try:
        with quiet():
            tokenizer = library.WhisperTokenizer.from_pretrained(**local)
            features = library.WhisperFeatureExtractor.from_pretrained(**local)
            model, report = library.WhisperForConditionalGeneration.from_pretrained(
                **local, dtype=getattr(torch, dtype), output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as fault:
        said = str(fault).splitlines()[0]
        raise PrerequisiteError(f"{folder}: not a loadable Whisper checkpoint of transformers ({said})") from fault
    # The library would fill these with random numbers.
    if lacking := sorted(report["missing_keys"]):
        raise PrerequisiteError(f"{folder}: the weights lack {len(lacking)} tensors, such as {lacking[0]}; get it anew")
    return model, tokenizer, features


def _prompt(card: ModelCard, vocabulary: dict[str, int]) -> tuple[int, ...]:
    """Start, language and task (where the vocabulary has languages), no time stamps."""
    language = str(card.arguments.get("language", "en"))
    words = ["<|startoftranscript|>", "<|notimestamps|>"]
    if "<|transcribe|>" in vocabulary and "<|en|>" in vocabulary:
        words[1:1] = [f"<|{language}|>", "<|transcribe|>"]
    elif language != "en":
        raise UsageError(f"--model-arg language={language}: this checkpoint is English-only")
    for word in words:
        if word not in vocabulary:
            raise UsageError(f"model `{card.name}`: its tokenizer lacks {word}; choose another language or checkpoint")
    return tuple(vocabulary[word] for word in words)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and notices off the terminal while a checkpoint loads."""
    import transformers

    logging: Any = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
