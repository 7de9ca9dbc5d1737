"""What the SALMONN benchmarks share: networks with random weights, made-up clips, and driving them one at a time.

Random weights cost what trained ones cost. The head's row for the end of sequence is zero, so that no answer ends
before its cap: every token that is asked for is computed.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
from salmonn_eval.models.salmonn.config import BeatsConfig, QformerConfig, SalmonnConfig, WhisperConfig
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.model import SalmonnModel
from salmonn_eval.models.salmonn.network import Salmonn
from salmonn_eval.models.salmonn.prompt import PromptBuilder
from salmonn_eval.records import AudioRef, Clip, Generation, Request, Variant
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

BOS, END = 1, 2
TEMPLATE = "USER: <Speech><SpeechHere></Speech> {instruction}\nASSISTANT:"


def _llama(hidden: int, layers: int, heads: int, ffn: int, vocabulary: int = 32_001) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {**shape, "intermediate_size": ffn, "vocab_size": vocabulary}


SHAPES = {
    "13b": SalmonnConfig(llama=_llama(5120, 40, 40, 13_824)),
    "mid": SalmonnConfig(
        llama=_llama(512, 8, 8, 1376),
        whisper=WhisperConfig(d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048),
        beats=BeatsConfig(
            encoder_layers=4, encoder_embed_dim=256, encoder_ffn_embed_dim=1024, encoder_attention_heads=4
        ),
    ),
    "tiny": SalmonnConfig(
        llama=_llama(32, 2, 4, 64, vocabulary=300),
        whisper=WhisperConfig(d_model=32, encoder_layers=1, encoder_attention_heads=4, encoder_ffn_dim=64),
        beats=BeatsConfig(
            encoder_layers=1,
            encoder_embed_dim=32,
            encoder_ffn_embed_dim=64,
            encoder_attention_heads=4,
            embed_dim=16,
            conv_pos=16,
            conv_pos_groups=4,
        ),
        qformer=QformerConfig(hidden_size=32, num_attention_heads=4, intermediate_size=64),
    ),
}


class Letters:
    """A tokenizer of one token a character."""

    bos_token_id, eos_token_id = BOS, END

    def __call__(self, text: str, add_special_tokens: bool = False) -> Any:
        """Tokens 3 to 258."""
        return type("Encoding", (), {"input_ids": [3 + byte for byte in text.encode()]})

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """All that tells answers apart: the ids themselves."""
        return " ".join(map(str, ids))


class Sounds:
    """Clips of noise, one a number, each decoded when asked for."""

    def __init__(self, seconds: float) -> None:
        self._samples = int(seconds * SAMPLE_RATE)

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        """The clip whose number is the request's sample id."""
        noise = np.random.default_rng(int(request.sample_id)).standard_normal(self._samples)
        return (Waveform((0.1 * noise).astype(np.float32)),)

    def note(self, message: str) -> None:
        """Say what the model has to say."""
        print(message, file=sys.stderr)


def build(shape: str, device: str, dtype: torch.dtype) -> Salmonn:
    """A network with random weights, made where it will be."""
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            network = Salmonn(SHAPES[shape])
    finally:
        torch.set_default_dtype(before)
    for name, parameter in network.llama.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.02)
    network.llama.lm_head.weight.data[END] = 0.0
    return network.to(dtype).eval()


def requests(
    clips: Iterable[int], instructions: Sequence[str], generation: Generation, scales: Sequence[float] = (4.0,)
) -> list[Request]:
    """Every instruction at every scale of every clip, a clip's requests side by side as the engine orders them."""
    return [
        Request(
            f"{clip} {scale} {instruction}",
            "asr",
            "made-up",
            str(clip),
            instruction,
            (Clip((AudioRef(str(clip)),)),),
            generation,
            Variant(lora_scale=scale),
        )
        for clip in clips
        for scale in scales
        for instruction in instructions
    ]


def native(network: Salmonn, rows: int) -> SalmonnModel:
    """The network as the product drives it, its encoder cache empty."""
    card = ModelCard("made-up", "salmonn", "f", template=TEMPLATE, capabilities=Capabilities("per_row", True, True))
    return SalmonnModel(card, Loaded(network, Letters()), EncoderCache(upstream(network.hearing)), rows)


@torch.inference_mode()
def one_at_a_time(network: Salmonn, asked: Iterable[Request], sounds: Sounds) -> Iterator[str]:
    """Each request alone: encoders, then transformers' own `generate` with the adapter at its own scale."""
    prompts = PromptBuilder(TEMPLATE, Letters())
    table = network.llama.get_input_embeddings()
    for request in asked:
        (wave,) = sounds.waveforms(request)
        (speech,) = network.hearing([torch.from_numpy(wave.samples).to(table.weight.device)])
        embeds = embed([prompts.heard(request.instruction, speech)], table)
        (ids,) = network.llama.generate(
            inputs_embeds=embeds,
            attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long, device=embeds.device),
            max_new_tokens=request.generation.max_new_tokens,
            num_beams=request.generation.num_beams,
            do_sample=False,
            eos_token_id=END,
            pad_token_id=0,
        ).tolist()
        yield Letters().decode(ids)


def timed(work: Iterable[Any]) -> tuple[list[Any], float]:
    """Everything it gives, and the seconds it took."""
    start = time.perf_counter()
    given = list(work)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return given, time.perf_counter() - start


def same(answers: Iterable[Any], expected: Sequence[str], asked: Sequence[Request]) -> float:
    """Share of requests whose native answer is the expected one."""
    texts = {answer.key: answer.text for answer in answers}
    return sum(texts[request.key] == text for request, text in zip(asked, expected, strict=True)) / len(expected)
