"""A loaded SALMONN as a `Model`: requests and audio in, predictions out."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from salmonn_eval.models.protocol import AudioSource, ModelCard, OutOfMemoryError
from salmonn_eval.models.salmonn.ask import Answer, Ask, Forced
from salmonn_eval.models.salmonn.cache import EncoderCache
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.prompt import Prompt, PromptBuilder
from salmonn_eval.records import Prediction, Request, TokenLogprobs
from salmonn_eval.waveform import Waveform

ROWS = 16
CLIPS_AT_ONCE = 16  # that a GPU encodes; a CPU gains nothing by it and takes one, so that its numbers are batch 1's


class SalmonnModel:
    """Encodes clips once, asks the language side, and gives answers back as they are finished."""

    def __init__(self, card: ModelCard, loaded: Loaded, cache: EncoderCache, rows: int = ROWS) -> None:
        """`rows` requests are answered at a time. UsageError if the card's template has no place for the audio."""
        self.card = card
        self._hearing = loaded.network.hearing
        self._tokenizer = loaded.tokenizer
        self._prompts = PromptBuilder(card.template, loaded.tokenizer)
        self._cache = cache
        self._end = int(loaded.tokenizer.eos_token_id)
        has_adapter = loaded.network.config.lora is not None
        self._language = Language(loaded.network.llama, [self._end], rows=rows, has_adapter=has_adapter)
        self._device = self._language.llm.device
        self._note: Callable[[str], object] = str
        self._clips_at_once = CLIPS_AT_ONCE if self._device.type == "cuda" else 1

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answers in the order in which they are finished; audio is heard as rows become free."""
        self._note = audio.note
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
        self._note = audio.note
        tokens = tuple((*self._prompts.ids(continuation), self._end) for continuation in continuations)
        keys: list[str] = []

        def forced() -> Iterator[Forced]:
            for request in requests:
                keys.append(request.key)
                speech = self._speech(audio.waveforms(request))
                prompt = self._prompt(request, speech[0] if speech else None)
                yield Forced(prompt, tokens, request.variant.lora_scale)

        for index, values in enumerate(self._language.logprobs(forced())):
            number, place = divmod(index, len(continuations))
            yield TokenLogprobs(keys[number], continuations[place], values)

    def _asks(
        self, requests: Iterable[Request], audio: AudioSource, refused: list[Prediction], cut: dict[str, float]
    ) -> Iterator[Ask]:
        """Prompts of the requests, clips encoded some at a time; what cannot be asked is appended to `refused`."""
        waiting: list[tuple[Request, tuple[Waveform, ...]]] = []
        for request in requests:
            if len(request.clips) > 1:
                why = f"model `{self.card.name}` hears one clip; the request has {len(request.clips)}"
                refused.append(Prediction(request.key, None, "error", error=why))
                continue
            waves = audio.waveforms(request)
            cut[request.key] = sum(wave.cut_s for wave in waves)
            waiting.append((request, waves))
            if len(waiting) >= self._clips_at_once:
                yield from self._heard(waiting)
                waiting = []
        yield from self._heard(waiting)

    def _heard(self, waiting: Sequence[tuple[Request, tuple[Waveform, ...]]]) -> Iterator[Ask]:
        speech = iter(self._speech([wave for _, waves in waiting for wave in waves]))
        for request, waves in waiting:
            prompt = self._prompt(request, next(speech) if waves else None)
            yield Ask(request.key, prompt, request.generation, request.variant.lora_scale)

    def _prompt(self, request: Request, speech: Tensor | None) -> Prompt:
        if speech is not None:
            return self._prompts.heard(request.instruction, speech)
        if request.text is not None:
            return self._prompts.read(request.instruction, request.text)
        return self._prompts.plain(request.instruction)

    @torch.inference_mode()
    def _speech(self, waves: Sequence[Waveform]) -> list[Tensor]:
        """[speech tokens, d_llm] of each clip; those that the cache lacks are encoded together, and kept."""
        sounds = [torch.from_numpy(wave.samples) for wave in waves]
        keys = [self._cache.key(sound) for sound in sounds]
        kept = {key: entry for key in keys if (entry := self._cache.get(key)) is not None}
        new = {key: sound for key, sound in zip(keys, sounds, strict=True) if key not in kept}
        for key, heard in zip(new, self._hear(list(new.values())), strict=True):
            self._cache.put(key, heard)
            kept[key] = heard
        weight = self._hearing.projection.weight
        return [self._hearing.projection(kept[key].to(weight.device, weight.dtype)) for key in keys]

    def _hear(self, sounds: Sequence[Tensor]) -> list[Tensor]:
        """Encode; where the clips do not fit the device, in halves, and from then on fewer at a time."""
        if not sounds:
            return []
        try:
            return self._hearing.encode([sound.to(self._device) for sound in sounds])
        except torch.cuda.OutOfMemoryError as fault:
            if len(sounds) == 1:
                raise OutOfMemoryError(f"one clip does not fit the device: {fault}") from fault
        torch.cuda.empty_cache()
        self._clips_at_once = half = (len(sounds) + 1) // 2
        self._note(f"the device's memory was short: from now on {half} clips are encoded at a time")
        return self._hear(sounds[:half]) + self._hear(sounds[half:])

    def _prediction(self, answer: Answer, seconds: float, cut_s: float) -> Prediction:
        text = self._tokenizer.decode(answer.ids, skip_special_tokens=True).strip()
        return Prediction(answer.key, text, answer.finish, answer.tokens_in, len(answer.ids), seconds, cut_s)
