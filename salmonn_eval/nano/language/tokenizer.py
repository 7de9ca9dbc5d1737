"""The tokenizer: byte pairs, every English word of the world one token, each Chinese or Japanese character alone."""

from collections.abc import Iterator
from random import Random
from typing import Any

from salmonn_eval.nano.language.corpus import draw_example
from salmonn_eval.nano.world.instructions import wordings
from salmonn_eval.nano.world.items import pronunciations

BOS, EOS, UNKNOWN = "<s>", "</s>", "<unk>"
MOST = 4_000
_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]"
_EXAMPLES = 40_000


def build_tokenizer(seed: int = 1) -> Any:
    """A `PreTrainedTokenizerFast`, byte pairs of the training text alone; what it has never seen becomes bytes."""
    import transformers
    from tokenizers import Tokenizer, models, trainers

    library: Any = transformers
    learnt = Tokenizer(models.BPE(unk_token=UNKNOWN))
    learnt.pre_tokenizer = _pre_tokenizer()
    trainer = trainers.BpeTrainer(vocab_size=MOST, min_frequency=2, show_progress=False)
    learnt.train_from_iterator(_texts(seed), trainer)
    tokenizer = _with_bytes(learnt)
    return library.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN, pad_token=EOS
    )


def _with_bytes(learnt: Any) -> Any:
    """The same merges behind the special tokens and one token a byte."""
    import json

    from tokenizers import AddedToken, Tokenizer, decoders, models

    found = json.loads(learnt.to_str())["model"]
    pieces = [UNKNOWN, BOS, EOS, *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += [piece for piece in sorted(found["vocab"], key=found["vocab"].__getitem__) if piece not in pieces]
    merges = [tuple(pair) for pair in found["merges"]]
    model = models.BPE(
        {piece: number for number, piece in enumerate(pieces)}, merges, unk_token=UNKNOWN, byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (UNKNOWN, BOS, EOS)])
    return tokenizer


def _pre_tokenizer() -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace("▁", "always"),
            pre_tokenizers.Split(Regex(_CJK), "isolated"),
            pre_tokenizers.Split("\n", "isolated"),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )


def _texts(seed: int) -> Iterator[str]:
    rng = Random(f"tokenizer {seed}")
    for _ in range(_EXAMPLES):
        example = draw_example(rng)
        yield from (example.heard, example.instruction, example.item.target)
    for words in (*wordings().values(), ["USER: <Speech>", "</Speech>", "\nASSISTANT:"] * 2):
        yield from (*words, *words)
    for word, phones in pronunciations().items():
        yield from (word, phones) * 2
