"""A parity case as a `Model`, and requests and audio for it."""

import msgspec
from parity import Case, network

from salmonn_eval.models.protocol import Capabilities, ModelCard
from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.model import SalmonnModel
from salmonn_eval.records import AudioPolicy, AudioRef, Clip, Generation, Request, Variant
from salmonn_eval.waveform import Waveform

TEMPLATE = "USER: <Speech><SpeechHere></Speech> {instruction}\nASSISTANT:"
GREEDY, BEAMS = Generation(max_new_tokens=20), Generation(max_new_tokens=20, num_beams=4)
CARD = ModelCard(
    name="mini",
    backend="salmonn",
    fingerprint="0",
    template=TEMPLATE,
    audio=AudioPolicy(max_s=30, min_s=1),
    capabilities=Capabilities(lora_scale="per_row", logprobs=True, beams=True),
    default_lora_scale=4.0,
)


class Sounds:
    """An audio source over waveforms by sample id; requests without clips have none."""

    def __init__(self, waves: dict[str, Waveform]) -> None:
        self.waves = waves
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        return tuple(self.waves[request.sample_id] for _ in request.clips)


def sounds(found: Case) -> Sounds:
    return Sounds({str(i): Waveform(wave.float().numpy()) for i, wave in enumerate(found.waves())})


def instruction(found: Case, index: int = 0) -> str:
    """What stands in a case's prompt behind the audio."""
    return found.meta["prompts"][index].partition("</Speech> ")[2].removesuffix("\nASSISTANT:")


def request(key: str, text: str, *, scale: float | None = 4.0, generation: Generation = GREEDY, sample: str = "0"):
    clips = (Clip((AudioRef("clip.wav"),)),)
    return Request(key, "asr", "some-set", sample, text, clips, generation, Variant(lora_scale=scale))


def tokenizer(found: Case):
    return load_tokenizer(found.folder)


def model(found: Case, rows: int = 4, cache: EncoderCache | None = None) -> SalmonnModel:
    whole = network(found.folder)
    cache = cache or EncoderCache(upstream(whole.hearing))
    return SalmonnModel(CARD, Loaded(whole, tokenizer(found)), cache, rows)


def answers(asked: SalmonnModel, requests, source) -> dict[str, object]:
    given = list(asked.generate(requests, source))
    assert len(given) == len(requests)
    return {answer.key: msgspec.structs.replace(answer, seconds=0.0) for answer in given}
