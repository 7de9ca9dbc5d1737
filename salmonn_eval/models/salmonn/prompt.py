"""What the language model reads: the text before the audio, the audio, the text after it.

The two texts are tokenised apart, without special tokens, and one beginning of sequence stands in front of everything;
so the text after the audio starts like a new sentence, as it does in the release.
"""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from salmonn_eval.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

AUDIO = "<SpeechHere>"
INSTRUCTION = "{instruction}"
OPEN, CLOSE = "<Speech>", "</Speech>"


class Prompt(Struct, frozen=True, eq=False):
    """`prefix_ids` (beginning of sequence first), `speech` [n, d_llm] embeddings or None, `suffix_ids`."""

    prefix_ids: tuple[int, ...]
    speech: "Tensor | None"
    suffix_ids: tuple[int, ...]

    def __len__(self) -> int:
        """Positions that it takes."""
        return len(self.prefix_ids) + (0 if self.speech is None else len(self.speech)) + len(self.suffix_ids)


class PromptBuilder:
    """Makes prompts of a card's template, `{instruction}` and `<SpeechHere>` being what changes."""

    def __init__(self, template: str, tokenizer: Any) -> None:
        """Raises UsageError for a template without `<SpeechHere>` before `{instruction}`."""
        before, mark, after = template.partition(AUDIO)
        if not mark or INSTRUCTION not in after:
            raise UsageError(f"template {template!r}: expected {AUDIO} once, and {INSTRUCTION} after it")
        self._after = after
        self._without = template.replace(f"{OPEN}{AUDIO}{CLOSE} ", "").replace(AUDIO, "")
        self._tokenizer = tokenizer
        self._prefix = (int(tokenizer.bos_token_id), *self.ids(before))

    def ids(self, text: str) -> tuple[int, ...]:
        """Tokens of a text of its own; "</s>" in it is the end of sequence."""
        return tuple(self._tokenizer(text, add_special_tokens=False).input_ids)

    def heard(self, instruction: str, speech: "Tensor") -> Prompt:
        """The usual prompt: `speech` [n, d_llm] between the texts."""
        return Prompt(self._prefix, speech, self._suffix(instruction))

    def read(self, instruction: str, text: str) -> Prompt:
        """The same prompt with a text, tokenised apart, in place of the audio."""
        return Prompt((*self._prefix, *self.ids(text)), None, self._suffix(instruction))

    def plain(self, instruction: str) -> Prompt:
        """A prompt without audio: the template less its `<Speech><SpeechHere></Speech> `."""
        bos = (int(self._tokenizer.bos_token_id),)
        return Prompt(bos, None, self.ids(self._without.replace(INSTRUCTION, instruction.strip())))

    def _suffix(self, instruction: str) -> tuple[int, ...]:
        return self.ids(self._after.replace(INSTRUCTION, instruction.strip()))
