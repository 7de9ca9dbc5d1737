"""What the probes ask, from `settings.yaml` beside this file."""

from functools import cache
from pathlib import Path

from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.records import Sample
from salmonn_eval.tasks.discover import discover


class Fallback(Struct, frozen=True, forbid_unknown_fields=True):
    """Where `Sample.fields` has `field`, the rival answer is that field, and `task`'s instruction asks for it."""

    field: str
    task: str


class AnswerForm(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """References joined to one answer (`first`: so many of them), or why there is none."""

    join: str | None = None
    first: int | None = None
    why: str | None = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The file; its comments say what each part is for."""

    marginal: tuple[str, ...]
    fallback: tuple[Fallback, ...]
    answers: dict[str, AnswerForm]
    text_lacks: dict[str, str]
    nothing_heard: tuple[str, ...]


@cache
def settings() -> Settings:
    """The settings that come along."""
    return yamlfile.load(Path(__file__).with_name("settings.yaml"), Settings)


def reference_answer(task: str, sample: Sample) -> str | None:
    """What a right answer to the sample would be: never a model's own. None where the test set holds none."""
    form = settings().answers.get(task, AnswerForm())
    given = sample.references or sample.labels
    if form.why or not given:
        return None
    return form.join.join(given[: form.first]) if form.join is not None else given[0]


class Rival(Struct, frozen=True):
    """What an over-fitted model would answer instead, and the instruction that asks for it."""

    answer: str
    instruction: str


def rival_of(sample: Sample) -> Rival | None:
    """The sample's transcript, or its caption where nothing is said; None where neither is known."""
    for fallback in settings().fallback:
        text = sample.fields.get(fallback.field)
        if isinstance(text, str) and text.strip():
            return Rival(text.strip(), instruction_of(fallback.task))
    return None


def instruction_of(task: str) -> str:
    """A bundled task's own instruction, as its release has it."""
    return _instructions()[task]


@cache
def _instructions() -> dict[str, str]:
    return {task.spec.id: task.spec.instruction for task in discover().tasks}
