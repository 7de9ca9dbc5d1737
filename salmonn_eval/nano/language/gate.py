"""The gate before any audio training: what the language model makes of held-out sentences, as text."""

from collections.abc import Sequence
from random import Random
from typing import Any

import torch
from msgspec import Struct

from salmonn_eval.errors import IncompleteError
from salmonn_eval.models.salmonn.ask import Ask
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.prompt import PromptBuilder
from salmonn_eval.nano.language.corpus import Example, draw_example
from salmonn_eval.nano.language.train import TEMPLATE
from salmonn_eval.nano.scoring import METRICS, task_specs, value
from salmonn_eval.nano.world.deal import Deal
from salmonn_eval.nano.world.instructions import wordings
from salmonn_eval.nano.world.items import TASKS
from salmonn_eval.records import Generation
from salmonn_eval.tasks.prompts import render
from salmonn_eval.tasks.spec import TaskSpec

MOST_COPY_WER = 5.0
LEAST_ZH_BLEU = 80.0
_ROWS = 32


class Gate(Struct, frozen=True):
    """Values by task on held-out combinations, on unseen skeletons, and with unseen wordings."""

    held_out: dict[str, float]
    unseen_skeletons: dict[str, float]
    unseen_wordings: dict[str, float]

    def check(self) -> None:
        """IncompleteError where copying or Chinese falls short: widen the world, not the ears."""
        copied, chinese = self.held_out["asr"], self.held_out["en2zh"]
        if copied > MOST_COPY_WER or chinese < LEAST_ZH_BLEU:
            raise IncompleteError(
                f"the language model copies held-out sentences with {copied:.1f} % word errors and translates them "
                f"with BLEU {chinese:.1f}; expected at most {MOST_COPY_WER:g} and at least {LEAST_ZH_BLEU:g}: train it "
                "longer, or widen the grammar"
            )


@torch.inference_mode()
def language_gate(model: Any, tokenizer: Any, *, items: int, seed: int = 1) -> Gate:
    """Ask a language model in transformers' form so many held-out items a task, each with its words as they are."""
    language = Language(model.eval(), [int(tokenizer.eos_token_id)], rows=_ROWS, has_adapter=False)
    prompts = PromptBuilder(TEMPLATE, tokenizer)
    tasks = task_specs()

    def values(deal: Deal, *, unseen: bool = False, only: Sequence[str] = TASKS) -> dict[str, float]:
        rngs = {task: Random(f"gate {seed} {deal} {task} {unseen}") for task in only}
        examples = [_example(rngs[task], deal, task, tasks[task], unseen=unseen) for task in only for _ in range(items)]
        answers = _answers(language, prompts, tokenizer, examples)
        found = {}
        for number, task in enumerate(only):
            part = slice(number * items, (number + 1) * items)
            triples = [
                (one.item, one.instruction, text) for one, text in zip(examples[part], answers[part], strict=True)
            ]
            metric, settings = METRICS[task]
            found[task] = round(value(tasks[task], metric, settings, triples), 4)
        return found

    return Gate(values("test"), values("unseen", only=_SENTENCE_TASKS), values("test", unseen=True))


_SENTENCE_TASKS = ("asr", "en2zh", "en2de", "en2ja", "pr", "ke", "sf", "sqa")


def _example(rng: Random, deal: Deal, task: str, spec: TaskSpec, *, unseen: bool) -> Example:
    example = draw_example(rng, deal, task)
    template = rng.choice(spec.paraphrases) if unseen else wordings()[task][0]
    return Example(example.heard, render(template, example.item.asked), example.item)


def _answers(language: Language, prompts: PromptBuilder, tokenizer: Any, examples: Sequence[Example]) -> list[str]:
    asks = (
        Ask(str(number), prompts.read(example.instruction, example.heard), Generation(160))
        for number, example in enumerate(examples)
    )
    found = {
        answer.key: tokenizer.decode(answer.ids, skip_special_tokens=True).strip() for answer in language.generate(asks)
    }
    return [found[str(number)] for number in range(len(examples))]
