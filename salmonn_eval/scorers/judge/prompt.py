"""What a judge is asked: templates in YAML, filled in a sandbox, the answer inside marks that it cannot forge."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.canonical import fingerprint
from salmonn_eval.scorers.base import Answer
from salmonn_eval.scorers.judge.protocol import JudgePrompt

_FOLDER = Path(__file__).with_name("prompts")


class PromptFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of `prompts/`. `good` and `bad` are the two words a verdict may be.

    The template may use `question`, `sounds` (a caption of the background, or none), `references`, `instruction`,
    `answer`, and `mark`, which the answer's delimiters carry.
    """

    id: str
    version: int
    good: str
    bad: str
    template: str


class Prompt:
    """One prompt file, ready to be filled. `origin` is `ID.VERSION-HASH`: another wording has another hash."""

    def __init__(self, file: PromptFile) -> None:
        self.file = file
        self.words = (file.good, file.bad)
        self.origin = f"{file.id}.{file.version}-{fingerprint(file, 8)}"
        self._template = _compiled(file.template)

    def fill(self, question: str, answer: Answer) -> JudgePrompt:
        """The text about one answer.

        `mark` is a hash of everything that is filled in, so no answer can hold the delimiter that would end it. What
        cannot be written as UTF-8 is replaced.
        """
        sample, request, prediction = answer
        sounds = sample.fields.get("caption")
        material: dict[str, Any] = {
            "question": question,
            "sounds": sounds if isinstance(sounds, str) else None,
            "references": sample.references,
            "instruction": request.instruction,
            "answer": prediction.text or "",
        }
        text = self._template.render(**material, mark=_mark(material))
        return JudgePrompt(_plain(text), self.origin)


@cache
def prompt(name: str) -> Prompt:
    """The bundled prompt of this name."""
    return Prompt(yamlfile.load(_FOLDER / f"{name}.yaml", PromptFile))


def _compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    return environment.from_string(template)


def _mark(material: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(material.items())).encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
