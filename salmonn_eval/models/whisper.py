"""Whisper checkpoints of the transformers library: one clip of at most 30 s in, one transcription out.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision". No time stamps, no fallback decoding:
every setting is the request's; of the checkpoint's own generation settings only the suppressed tokens are kept.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.models.cards import CardFile
from salmonn_eval.models.protocol import AudioSource, ModelCard, OutOfMemoryError
from salmonn_eval.models.whisper_files import checkpoint_hashes
from salmonn_eval.models.whisper_loading import Checkpoint, load_checkpoint
from salmonn_eval.records import Generation, Prediction, Request, TokenLogprobs
from salmonn_eval.waveform import SAMPLE_RATE, Waveform


class Heard(Struct, frozen=True, eq=False):
    """A request with its log-mel spectrogram [mel bins, frames] and the seconds cut off."""

    request: Request
    mel: NDArray[np.float32]
    cut_s: float


class Whisper:
    """The model. `batch_size` halves when the device's memory is short and stays halved."""

    def __init__(self, card: ModelCard, checkpoint: Checkpoint, batch_size: int) -> None:
        self.card = card
        self._checkpoint = checkpoint
        self._batch_size = batch_size

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Answer in order, in batches of neighbours with equal settings; sampling answers one by one, seeded by key."""
        batch: list[Heard] = []
        for request in requests:
            if len(request.clips) != 1:
                why = f"model `{self.card.name}` hears exactly one clip; the request has {len(request.clips)}"
                yield Prediction(request.key, None, "error", error=why)
                continue
            if batch and request.generation != batch[0].request.generation:
                yield from self._answers(batch, audio)
                batch = []
            batch.append(self._hear(request, *audio.waveforms(request)))
            if len(batch) >= (1 if request.generation.do_sample else self._batch_size):
                yield from self._answers(batch, audio)
                batch = []
        yield from self._answers(batch, audio)

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Teacher forcing, request by request; the tokens are those of " " + continuation, and the end."""
        for request in requests:
            heard = self._hear(request, *audio.waveforms(request))
            for start in range(0, len(continuations), self._batch_size):
                some = continuations[start : start + self._batch_size]
                for continuation, values in zip(some, self._force(heard, some), strict=True):
                    yield TokenLogprobs(request.key, continuation, values)

    def _hear(self, request: Request, waveform: Waveform) -> Heard:
        features = self._checkpoint.features
        mel = features(waveform.samples, sampling_rate=SAMPLE_RATE, return_tensors="np")["input_features"][0]
        beyond = max(0.0, waveform.seconds - float(features.chunk_length))
        return Heard(request, mel, waveform.cut_s + beyond)

    def _answers(self, batch: Sequence[Heard], audio: AudioSource) -> Iterator[Prediction]:
        """Decode a batch; where it does not fit the device, in halves of it."""
        import torch

        if not batch:
            return
        try:
            answers = self._decode(batch)
        except torch.cuda.OutOfMemoryError as fault:
            if len(batch) == 1:
                raise OutOfMemoryError(f"one clip does not fit the device: {fault}") from fault
            answers = None
        if answers is not None:
            yield from answers
            return
        torch.cuda.empty_cache()
        self._batch_size = half = (len(batch) + 1) // 2
        audio.note(f"a batch of {len(batch)} does not fit the device; from here on batches of {half}")
        yield from self._answers(batch[:half], audio)
        yield from self._answers(batch[half:], audio)

    def _decode(self, batch: Sequence[Heard]) -> list[Prediction]:
        import torch
        from transformers import GenerationMixin

        checkpoint, generation = self._checkpoint, batch[0].request.generation
        started = time.perf_counter()
        limit = min(generation.max_new_tokens, checkpoint.positions - len(checkpoint.prompt))
        config = checkpoint.generation_config(generation, limit)
        prompt = torch.tensor([checkpoint.prompt] * len(batch), device=checkpoint.model.device)
        with torch.inference_mode(), torch.random.fork_rng(enabled=generation.do_sample):
            if generation.do_sample:
                torch.manual_seed(_seed(batch[0].request.key))
            # Not Whisper's own `generate`: it adds long-form and fallback settings that no request asked for.
            mels = self._mels(batch)
            output = GenerationMixin.generate(
                checkpoint.model,
                mels,
                attention_mask=torch.ones_like(mels[:, 0], dtype=torch.long),
                generation_config=config,
                decoder_input_ids=prompt,
            )
        rows = output.sequences[:, len(checkpoint.prompt) :].tolist()
        _assert_effective(generation, limit, rows, output)
        seconds = (time.perf_counter() - started) / len(batch)
        return [self._prediction(heard, row, seconds) for heard, row in zip(batch, rows, strict=True)]

    def _mels(self, batch: Sequence[Heard]) -> Any:
        import torch

        model = self._checkpoint.model
        return torch.from_numpy(np.stack([heard.mel for heard in batch])).to(model.device, model.dtype)

    def _prediction(self, heard: Heard, row: list[int], seconds: float) -> Prediction:
        """`tokens_out` counts the end of sequence; what stands after it is padding."""
        ended = self._checkpoint.end in row
        tokens = row[: row.index(self._checkpoint.end) + 1] if ended else row
        return Prediction(
            key=heard.request.key,
            text=self._checkpoint.tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            finish="eos" if ended else "length",
            tokens_in=len(self._checkpoint.prompt),
            tokens_out=len(tokens),
            seconds=seconds,
            cut_s=heard.cut_s,
        )

    def _force(self, heard: Heard, continuations: Sequence[str]) -> list[tuple[float, ...]]:
        """Teacher forcing of several continuations of one clip; the clip is encoded once."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        checkpoint = self._checkpoint
        prompt, end = checkpoint.prompt, checkpoint.end
        tokens = [[*checkpoint.tokenizer(f" {c}", add_special_tokens=False).input_ids, end] for c in continuations]
        longest = max(len(row) for row in tokens)
        padded = torch.tensor([[*prompt, *row, *[end] * (longest - len(row))] for row in tokens])
        padded = padded.to(checkpoint.model.device)
        with torch.inference_mode():
            encoded = checkpoint.model.get_encoder()(self._mels([heard])).last_hidden_state
            outputs = BaseModelOutput(last_hidden_state=encoded.expand(len(tokens), -1, -1))
            logits = checkpoint.model(encoder_outputs=outputs, decoder_input_ids=padded[:, :-1]).logits
            spread = logits[:, len(prompt) - 1 :].float().log_softmax(dim=-1)
            chosen = spread.gather(2, padded[:, len(prompt) :, None])[:, :, 0].tolist()
        return [tuple(values[: len(row)]) for values, row in zip(chosen, tokens, strict=True)]


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


def _assert_effective(generation: Generation, limit: int, rows: list[list[int]], output: Any) -> None:
    """The library did what was asked: the cap held, and beams were searched exactly where they were asked for."""
    longest = max(len(row) for row in rows)
    if longest > limit:
        raise AssertionError(f"{longest} tokens were generated; at most {limit} were asked for")
    beams = getattr(output, "beam_indices", None) is not None
    if beams != (generation.num_beams > 1):
        raise AssertionError(f"num_beams={generation.num_beams} was asked for; beam search ran: {beams}")


class WhisperBackend:
    """Needs the argument `ckpt`, a folder; `language` is the language token of a multilingual checkpoint."""

    dtypes: tuple[str, ...] = ("float32", "bfloat16", "float16")

    def identity(self, card: CardFile, arguments: Mapping[str, Any]) -> Any:
        """The hashes of the checkpoint's files, and the language."""
        folder = Path(str(arguments["ckpt"]))
        return {"files": checkpoint_hashes(folder, card.get), "language": arguments.get("language", "en")}

    def load(self, card: ModelCard, *, device: str, batch_size: int | None) -> Whisper:
        """Load the checkpoint from local files; nothing is fetched and no code of its folder runs."""
        return Whisper(card, load_checkpoint(card, device), batch_size or 8)


BACKEND = WhisperBackend()
