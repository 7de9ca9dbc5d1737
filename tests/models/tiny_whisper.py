"""A tiny, randomly initialised Whisper checkpoint, made from nothing: same seed, same files, same outputs."""

from pathlib import Path

# Weights this large make the texts depend on the clip; the end token's row, otherwise zero, makes some texts end.
_STD = 0.5
_END_STD = 0.8
_LANGUAGES = ("en", "de", "zh", "ja")
_TEXTS = (
    "the quick brown fox jumps over the lazy dog while seven wizards watch",
    "she had never been so happy as on that morning by the river",
    "he said that nothing else would do and went away without another word",
)


def tiny_whisper(path: Path, *, seed: int = 0, multilingual: bool = True, window_s: int = 10) -> Path:
    """Write a loadable Whisper directory (d_model 64, 2 + 2 layers) to `path` and return it.

    It hears `window_s` seconds where real ones hear 30, which costs that much more. `multilingual=False` leaves out the
    language and task tokens, like Whisper's English-only checkpoints. Its answers differ from clip to clip; some end by
    themselves and some run into any cap.
    """
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    path.mkdir(parents=True, exist_ok=True)
    vocabulary = _tokenizer(path, multilingual)
    end, start = vocabulary["<|endoftext|>"], vocabulary["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(vocabulary),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_target_positions=64,
        max_source_positions=50 * window_s,
        init_std=_STD,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = WhisperForConditionalGeneration(config).eval()
        model.model.decoder.embed_tokens.weight[end].normal_(std=_END_STD)
    control = [number for token, number in vocabulary.items() if token.startswith("<|") and number != end]
    model.generation_config = GenerationConfig(
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=control,
        begin_suppress_tokens=[end],
    )
    model.save_pretrained(path, safe_serialization=True)
    WhisperFeatureExtractor(chunk_length=window_s).save_pretrained(path)
    return path


def _tokenizer(path: Path, multilingual: bool) -> dict[str, int]:
    """Train and save a byte-level BPE with Whisper's special tokens; returns its vocabulary."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import WhisperTokenizer

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(_TEXTS, vocab_size=400, min_frequency=1, show_progress=False)
    trained.save_model(str(path))
    words = [f"<|{language}|>" for language in _LANGUAGES] + ["<|translate|>", "<|transcribe|>"]
    special = ["<|startoftranscript|>", *(words if multilingual else ()), "<|nospeech|>", "<|notimestamps|>"]
    tokenizer = WhisperTokenizer(str(path / "vocab.json"), str(path / "merges.txt"))
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.save_pretrained(path)
    return dict(tokenizer.get_vocab())
