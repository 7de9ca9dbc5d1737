"""Activation tuning's data: stories that the network writes itself while its adapter is turned down (section 3.3)."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor

from salmonn_eval.errors import IncompleteError
from salmonn_eval.models.salmonn.ask import Ask
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.loaded import Loaded
from salmonn_eval.models.salmonn.prompt import PromptBuilder
from salmonn_eval.records import Generation
from salmonn_eval.training.config import Activation
from salmonn_eval.training.examples import Example, Examples
from salmonn_eval.training.outputs import KeptOutputs

_ROWS = 16
_REPEATED = 0.3
"""Largest share of a story's four-word runs that may stand in it twice."""


class Story(Struct, frozen=True):
    """What the network wrote about a clip; `why_not` says why it is left out (None: it is learnt)."""

    clip: str
    instruction: str
    text: str
    why_not: str | None = None


class StoryExamples:
    """A few stories, all of them in every batch that holds as many."""

    def __init__(self, stories: Sequence[Story], audio: Examples) -> None:
        self._examples = [Example(story.clip, story.instruction, story.text, "story") for story in stories]
        self._audio = audio

    def draw(self, rng: Random, size: int) -> list[Example]:
        """All of them in random order, or as many as fit."""
        return rng.sample(self._examples, min(size, len(self._examples)))

    def wave(self, clip: str) -> Tensor:
        """See Examples."""
        return self._audio.wave(clip)

    def facts(self) -> dict[str, Any]:
        """How many there are."""
        return {**self._audio.facts(), "stories": len(self._examples)}


@torch.inference_mode()
def write_stories(
    loaded: Loaded, template: str, outputs: KeptOutputs, asked: Iterable[Example], settings: Activation
) -> list[Story]:
    """Ask about every clip in turn until `settings.stories` stories are kept; all that were written, with why not.

    Raises IncompleteError when fewer than `settings.at_least` are kept.
    """
    prompts = PromptBuilder(template, loaded.tokenizer)
    hearing = loaded.network.hearing
    language = Language(loaded.network.llama, [int(loaded.tokenizer.eos_token_id)], rows=_ROWS)
    generation = Generation(max_new_tokens=settings.max_new_tokens)
    written: list[Story] = []
    waiting = list({example.clip: example for example in asked}.values())
    while waiting and sum(story.why_not is None for story in written) < settings.stories:
        some, waiting = waiting[:_ROWS], waiting[_ROWS:]
        heard = hearing.read(outputs.of([example.clip for example in some]))
        asks = [
            Ask(
                example.clip,
                prompts.heard(example.instruction, hearing.projection(speech)),
                generation,
                settings.lora_scale,
            )
            for example, speech in zip(some, heard, strict=True)
        ]
        answers = {answer.key: answer for answer in language.generate(asks)}
        for example in some:
            text = loaded.tokenizer.decode(answers[example.clip].ids, skip_special_tokens=True).strip()
            ended = answers[example.clip].finish == "eos"
            why_not = fault(text, [story.text for story in written], settings, ended=ended)
            written.append(Story(example.clip, example.instruction, text, why_not))
    kept = [story for story in written if story.why_not is None]
    if len(kept) < settings.at_least:
        counted = ", ".join(sorted({f"{story.why_not}" for story in written if story.why_not}))
        raise IncompleteError(
            f"{len(kept)} of {len(written)} stories can be learnt (the others: {counted}); expected "
            f"{settings.at_least}: lower activation.lora_scale, or give more clips"
        )
    return written


def fault(text: str, earlier: Sequence[str], settings: Activation, *, ended: bool) -> str | None:
    """Why a story is left out: empty, too short, cut off, repeating itself or an earlier one; None if it is not."""
    words = text.lower().split()
    if not words:
        return "empty"
    if len(words) < settings.min_words:
        return f"fewer than {settings.min_words} words"
    if not ended:
        return "cut off"
    runs = [tuple(words[start : start + 4]) for start in range(len(words) - 3)]
    if runs and 1 - len(set(runs)) / len(runs) > _REPEATED:
        return "repeats itself"
    return "written before" if text in earlier else None
