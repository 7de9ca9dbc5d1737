"""Instructions: sandboxed templates, and the wordings a task can be asked in."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.spec import DatasetSpec, SeenPrompts, TaskSpec

SPOKEN_AS_WORDS = frozenset({"slot"})
"""Fields that hold identifiers: `event_name` is asked for as "event name"."""

_LONGEST_QUOTE = 100
_UNRENDERED = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_FAULTS = (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def render(template: str, fields: Mapping[str, Any]) -> str:
    """Fill a template with a sample's fields.

    Raises UsageError for bad syntax, a variable that is not among the fields, a value that is not text or a number,
    anything the sandbox refuses, and braces that are left over.
    """
    spoken = {name: _as_words(name, value) for name, value in fields.items()}
    try:
        text = _compiled(template).render(spoken)
    except _FAULTS as fault:
        raise UsageError(f"the instruction {_quoted(template)} cannot be rendered: {_reason(fault)}") from fault
    if _UNRENDERED.search(text):
        raise UsageError(
            f"the instruction {_quoted(template)} renders to {_quoted(text)}: a field's value holds a template"
        )
    return text


def variables(template: str) -> frozenset[str]:
    """The fields a template needs; UsageError for bad syntax and for braces that belong to no variable."""
    try:
        return frozenset(meta.find_undeclared_variables(_environment().parse(_checked(template))))
    except jinja2.TemplateError as fault:
        raise UsageError(f"the instruction {_quoted(template)} is not a valid template: {_reason(fault)}") from fault


def prompt_sets(task: TaskSpec, dataset: DatasetSpec | None = None, seen: SeenPrompts | None = None) -> dict[str, str]:
    """Template by prompt set: `release`, `paraphrase-1`..., and `seen-1`... where the release's wordings were read."""
    sets = {"release": (dataset.instruction if dataset else None) or task.instruction}
    sets |= {f"paraphrase-{number}": text for number, text in enumerate(task.paraphrases, start=1)}
    wordings = seen.wordings.get(task.id, ()) if seen else ()
    return sets | {f"seen-{number}": text for number, text in enumerate(wordings, start=1)}


def template_of(task: TaskSpec, dataset: DatasetSpec | None, prompt_set: str, seen: SeenPrompts | None = None) -> str:
    """The template of one prompt set; UsageError lists those there are."""
    sets = prompt_sets(task, dataset, seen)
    if prompt_set not in sets:
        hint = "; training wordings need --seen-prompts FILE" if prompt_set.startswith("seen-") and seen is None else ""
        raise UsageError(f"task `{task.id}` has no prompt set `{prompt_set}`; expected one of: {', '.join(sets)}{hint}")
    return sets[prompt_set]


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_printable
    )
    environment.globals.clear()
    return environment


@lru_cache(maxsize=512)
def _compiled(template: str) -> jinja2.Template:
    return _environment().from_string(_checked(template))


def _checked(template: str) -> str:
    """Refuse braces in a template's own text: `{slot}` or `{{ slot }` would reach the model as they stand."""
    for data in _environment().parse(template).find_all(nodes.TemplateData):
        if "{" in data.data or "}" in data.data:
            what = f"braces are left over in {_quoted(data.data)}; write a variable as {{{{ name }}}}"
            raise jinja2.TemplateSyntaxError(what, data.lineno)
    return template


def _printable(value: object) -> object:
    if isinstance(value, jinja2.Undefined) or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    raise jinja2.UndefinedError(f"a field is {value!r}; expected text or a number")


def _reason(fault: Exception) -> str:
    """What a library says is wrong, without the line number that Jinja appends."""
    return (fault.message if isinstance(fault, jinja2.TemplateError) else None) or str(fault)


def _quoted(text: str) -> str:
    """Text for a sentence: an instruction may be a megabyte."""
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "...")


def _as_words(name: str, value: Any) -> Any:
    return value.replace("_", " ") if name in SPOKEN_AS_WORDS and isinstance(value, str) else value
