"""Model cards: who answers, as a YAML file `NAME.yaml` with a closed schema."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Capabilities
from salmonn_eval.records import AudioPolicy
from salmonn_eval.tasks.spec import Suite
from salmonn_eval.yamlfile import Document, Fault, YamlError, convert, read

Value = str | int | float | bool
Positive = Annotated[int, Meta(ge=1)]

_SECRETS = ("key", "token", "secret", "password")


class ArgumentSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One `--model-arg`. The default's type is the argument's type; without a default it is text and may be absent.

    `beside`: the default is a path, relative to the card's folder; what is given is relative to the working folder.
    Arguments are stored with every run, so none may be a secret: a backend reads those from the environment.
    """

    help: str
    default: Value | None = None
    required: bool = False
    beside: bool = False


class AudioSection(AudioPolicy, frozen=True, forbid_unknown_fields=True):
    """`AudioPolicy` as a closed section of a card."""


class GenerationSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The model's own decoding defaults; task, suite and flags stand over them. None: nothing said."""

    max_new_tokens: Positive | None = None
    num_beams: Positive | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    length_penalty: float | None = None

    def said(self) -> dict[str, Any]:
        """Only what the card says."""
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}


class CardFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A card as written; `models.registry.resolve` makes a `ModelCard` with a fingerprint of it.

    `tasks`: what the model can be asked (None: everything); `trained_tasks`: what it was trained on; `languages`: what
    it hears; `suite`: the test sets it is asked when none are named; `quick_limit`: clips per embedded set unless
    `--limit` says otherwise; `default_lora_scale` is absolute;
    `dtype` is what it computes in unless `--dtype` says otherwise (None: the backend's first); `licence` and `get` tell
    under which terms and from where its weights come.
    """

    name: str
    backend: str
    description: str
    family: str = ""
    template: str = "{instruction}"
    audio: AudioSection = AudioSection()
    capabilities: Capabilities = Capabilities()
    tasks: tuple[str, ...] | None = None
    trained_tasks: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    default_lora_scale: float | None = None
    dtype: str | None = None
    generation: GenerationSection = GenerationSection()
    suite: Suite = "mini-real"
    quick_limit: Positive | None = None
    arguments: dict[str, ArgumentSpec] = {}
    train_seed: int | None = None
    licence: str | None = None
    get: str | None = None


def read_card(path: Path) -> CardFile:
    """Read one card; YamlError (a UsageError) tells file and line of what is unknown, missing or contradictory."""
    document = read(path)
    card = convert(document, CardFile)
    faults = list(_contradictions(document, card))
    if faults:
        raise YamlError(path, faults)
    return card


def _contradictions(document: Document, card: CardFile) -> list[Fault]:
    """What the schema alone cannot see."""
    checks = [
        (
            ("name",),
            card.name == document.path.stem,
            f"the name is `{card.name}`; expected the file's own, `{document.path.stem}`",
        ),
        (
            ("template",),
            "{instruction}" in card.template,
            "the template lacks `{instruction}`; the task's text goes there",
        ),
        (
            ("audio", "max_s"),
            card.audio.max_s is None or card.audio.max_s > max(0.0, card.audio.min_s),
            f"max_s is {card.audio.max_s}; expected seconds above 0 and above min_s",
        ),
        (
            ("generation", "num_beams"),
            card.capabilities.beams or (card.generation.num_beams or 1) == 1,
            f"num_beams is {card.generation.num_beams}, but `capabilities: {{beams: true}}` is not said",
        ),
        (
            ("default_lora_scale",),
            card.default_lora_scale is None or card.capabilities.lora_scale != "none",
            "default_lora_scale and capabilities.lora_scale go together; give both or neither",
        ),
        *(
            (
                ("arguments", name, "default"),
                not (spec.required and spec.default is not None),
                f"the argument `{name}` is required and has a default; keep one of the two",
            )
            for name, spec in card.arguments.items()
        ),
        *(
            (
                ("arguments", name, "beside"),
                not spec.beside or isinstance(spec.default, str),
                f"the argument `{name}` is said to lie beside the card and its default is {spec.default!r}; expected a "
                "path",
            )
            for name, spec in card.arguments.items()
        ),
        *(
            (
                ("arguments", name),
                not name.lower().endswith(_SECRETS),
                f"the argument `{name}` is named like a secret, and arguments are stored with every run; leave it out "
                "and let the backend read the secret from the environment",
            )
            for name in card.arguments
        ),
    ]
    return [Fault(document.line_of(keys), message) for keys, holds, message in checks if not holds]


def take_arguments(card: CardFile, given: dict[str, str], folder: Path = Path()) -> dict[str, Value]:
    """The declared arguments with what was given (text from `--model-arg`) and defaults; absent optional ones left out.

    `folder` is the card's own. Raises UsageError for an unknown argument, a missing required one, or a value of another
    type than the default's.
    """
    declared = ", ".join(card.arguments) or "none"
    for name in given:
        if name not in card.arguments:
            raise UsageError(f"--model-arg {name}: model `{card.name}` has no such argument; it takes: {declared}")
    taken: dict[str, Value] = {}
    for name, spec in card.arguments.items():
        if name in given:
            taken[name] = _typed(card.name, name, given[name], spec.default)
        elif spec.default is not None:
            taken[name] = str(folder / str(spec.default)) if spec.beside else spec.default
        elif spec.required:
            raise UsageError(f"model `{card.name}` needs --model-arg {name}=...: {spec.help}")
    return taken


def _typed(model: str, name: str, text: str, default: Value | None) -> Value:
    if default is None or isinstance(default, str):
        return text
    try:
        return msgspec.convert(text, type(default), strict=False)
    except msgspec.ValidationError as fault:
        expected = type(default).__name__
        raise UsageError(f"--model-arg {name}={text}: model `{model}` expects {expected}, like {default}") from fault
