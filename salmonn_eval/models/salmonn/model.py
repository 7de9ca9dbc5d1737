"""A loaded SALMONN as a `Model`: requests and audio in, predictions out."""

import time
from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from salmonn_eval.models.protocol import AudioSource, ModelCard
from salmonn_eval.models.salmonn.ask import Answer, Ask, Forced
from salmonn_eval.models.salmonn.cache import EncoderCache
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.listener import Listener, is_small, spare_threads
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.prompt import Prompt, PromptBuilder
from salmonn_eval.records import Prediction, Request, TokenLogprobs
from salmonn_eval.waveform import Waveform

ROWS = 16


class SalmonnModel:
    """Encodes clips once, asks the language side, and gives answers back as they are finished."""

    def __init__(self, card: ModelCard, loaded: Loaded, cache: EncoderCache, rows: int = ROWS) -> None:
        """`rows` requests are answered at a time. UsageError if the card's template has no place for the audio."""
        self.card = card
        self._tokenizer = loaded.tokenizer
        self._prompts = PromptBuilder(card.template, loaded.tokenizer)
        self._end = int(loaded.tokenizer.eos_token_id)
        has_adapter = loaded.network.config.lora is not None
        self._language = Language(loaded.network.llama, [self._end], rows=rows, has_adapter=has_adapter)
        threads = spare_threads() if is_small(loaded.network) else 0
        self._listener = Listener(loaded.network.hearing, cache, threads)

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answers in the order in which they are finished; audio is heard as rows become free."""
        self._listener.note = audio.note
        refused: list[Prediction] = []
        cut: dict[str, float] = {}
        since = time.perf_counter()
        for answer in self._language.generate(self._asks(requests, audio, refused, cut), audio.note):
            yield from refused
            refused.clear()
            now = time.perf_counter()
            yield self._prediction(answer, now - since, cut.pop(answer.key))
            since = now
        yield from refused

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Of each continuation under each request, in order: its tokens, tokenised as an answer, and the end."""
        self._listener.note = audio.note
        tokens = tuple((*self._prompts.ids(continuation), self._end) for continuation in continuations)
        keys: list[str] = []

        def forced() -> Iterator[Forced]:
            for request in requests:
                keys.append(request.key)
                speech = self._listener.speech(audio.waveforms(request))
                prompt = self._prompt(request, speech[0] if speech else None)
                yield Forced(prompt, tokens, request.variant.lora_scale)

        for index, values in enumerate(self._language.logprobs(forced())):
            number, place = divmod(index, len(continuations))
            yield TokenLogprobs(keys[number], continuations[place], values)

    def _asks(
        self, requests: Iterable[Request], audio: AudioSource, refused: list[Prediction], cut: dict[str, float]
    ) -> Iterator[Ask]:
        """Prompts of the requests, their clips encoded ahead; what cannot be asked is appended to `refused`."""
        for request, speech in self._listener.along(self._clips(requests, audio, refused, cut)):
            prompt = self._prompt(request, speech[0] if speech else None)
            yield Ask(request.key, prompt, request.generation, request.variant.lora_scale)

    def _clips(
        self, requests: Iterable[Request], audio: AudioSource, refused: list[Prediction], cut: dict[str, float]
    ) -> Iterator[tuple[Request, tuple[Waveform, ...]]]:
        for request in requests:
            if len(request.clips) > 1:
                why = f"model `{self.card.name}` hears one clip; the request has {len(request.clips)}"
                refused.append(Prediction(request.key, None, "error", error=why))
                continue
            waves = audio.waveforms(request)
            cut[request.key] = sum(wave.cut_s for wave in waves)
            yield request, waves

    def _prompt(self, request: Request, speech: Tensor | None) -> Prompt:
        if speech is not None:
            return self._prompts.heard(request.instruction, speech)
        if request.text is not None:
            return self._prompts.read(request.instruction, request.text)
        return self._prompts.plain(request.instruction)

    def _prediction(self, answer: Answer, seconds: float, cut_s: float) -> Prediction:
        text = self._tokenizer.decode(answer.ids, skip_special_tokens=True).strip()
        return Prediction(answer.key, text, answer.finish, answer.tokens_in, len(answer.ids), seconds, cut_s)
