"""What a training file says: a closed YAML schema."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.models.salmonn.config import LoraSettings, QformerConfig
from salmonn_eval.yamlfile import Fault, YamlError, convert, read

Stage = Literal["pretrain", "instruct", "activate"]
Part = Literal["qformer", "lora"]
Precision = Literal["no", "bf16", "fp16"]
Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
TEMPLATE = "USER: <Speech><SpeechHere></Speech> {instruction}\nASSISTANT:"


class Network(Struct, frozen=True, forbid_unknown_fields=True):
    """Where training starts: `folder` (a network of our own, whole), or the frozen parts.

    Of parts (`whisper` and `llm` are folders in transformers' layout, `beats` a checkpoint of BEATs or left out) the
    Q-Former, the LayerNorms, the projection and the LoRA begin at random with the shapes of `qformer` and `lora`.
    """

    folder: str | None = None
    whisper: str | None = None
    beats: str | None = None
    llm: str | None = None
    qformer: QformerConfig = QformerConfig()
    lora: LoraSettings = LoraSettings()


class DataList(Struct, frozen=True, forbid_unknown_fields=True):
    """One list of training examples.

    `manifest` (JSONL, one of our own) or `annotation` (the JSON of the SALMONN release); `audio` is the folder that its
    paths are looked up in, else they are relative to the file. `task` asks its instruction of every line of a manifest;
    an annotation names its tasks itself. `weight` is how often the list is drawn, by its number of examples if left
    out. Clips above `max_s` seconds and answers above `max_characters` are left out.
    """

    manifest: str | None = None
    annotation: str | None = None
    audio: str | None = None
    task: str | None = None
    weight: Positive | None = None
    max_s: Positive | None = None
    max_characters: Count | None = None
    note: str | None = None


class Optimiser(Struct, frozen=True, forbid_unknown_fields=True):
    """AdamW, linear warm-up from `first_lr` to `peak_lr`, then a cosine to `last_lr`; the paper's by default.

    `lora_factor` multiplies the rate of the LoRA alone. `clip` bounds the gradient's norm (None: not at all).
    """

    peak_lr: Positive = 3e-5
    first_lr: Positive = 1e-6
    last_lr: Positive = 1e-5
    warmup_steps: Annotated[int, Meta(ge=0)] = 3_000
    weight_decay: Annotated[float, Meta(ge=0)] = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    lora_factor: Positive = 1.0
    clip: Positive | None = None


class Validation(Struct, frozen=True, forbid_unknown_fields=True):
    """Every `every` steps the tasks are run on their test sets of `suite` with the real scorers."""

    tasks: str
    every: Count
    suite: str = "mini"
    limit: Count | None = 32


class Activation(Struct, frozen=True, forbid_unknown_fields=True):
    """Stage 3: the network writes its own stories at `lora_scale`, then learns them.

    `targets: references` learns the lists' own answers instead: the control. Stories of fewer than `min_words` words,
    repeated ones and ones like an earlier clip's are left out; fewer than `at_least` left is an error.
    """

    stories: Count = 12
    lora_scale: Annotated[float, Meta(ge=0)] = 2.0
    task: str = "story"
    min_words: Count = 50
    max_new_tokens: Count = 200
    at_least: Count = 6
    targets: Literal["stories", "references"] = "stories"


class TrainConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One stage. Relative paths are relative to the file.

    `steps` are the optimiser's, each of `batch_size` examples times `accumulate` times the number of processes.
    `instructions` names a file of wordings: YAML, a list a task, or the release's own JSON of training prompts; else
    every example gets its task's own. Frozen encoders' outputs are kept in `encoder_outputs`, which several stages may
    share, else in the run's own folder. `trim` is the share of batches whose speech tokens end soon after the clips do:
    less to compute where clips are short.
    """

    stage: Stage
    network: Network
    data: Annotated[tuple[DataList, ...], Meta(min_length=1)]
    steps: Count
    train: tuple[Part, ...] = ("qformer", "lora")
    batch_size: Count = 8
    accumulate: Count = 1
    optimiser: Optimiser = Optimiser()
    precision: Precision = "bf16"
    template: str = TEMPLATE
    instructions: str | None = None
    keep_encoder_outputs: bool = True
    encoder_outputs: str | None = None
    trim: Annotated[float, Meta(ge=0, le=1)] = 0.0
    validate: Validation | None = None
    activation: Activation | None = None
    save_every: Count = 1_000
    seed: int = 0


def read_config(path: Path, stage: Stage) -> TrainConfig:
    """Read a training file for a stage; YamlError with file and line for all that does not fit."""
    document = read(path)
    config = convert(document, TrainConfig)
    network = config.network
    whole, parts = network.folder is not None, network.whisper is not None and network.llm is not None
    checks = [
        (("stage",), config.stage == stage, f"is a file for `train {config.stage}`; expected `stage: {stage}`"),
        (
            ("network",),
            whole != parts and not (whole and network.beats),
            "expected either `folder`, or `whisper` and `llm` (and `beats`)",
        ),
        (("train",), bool(config.train), "expected `qformer`, `lora` or both"),
        (
            ("activation",),
            (config.activation is not None) == (stage == "activate"),
            "expected a section `activation` for `train activate`, and for no other stage",
        ),
        *(
            (
                ("data", number),
                (entry.manifest is None) != (entry.annotation is None) and bool(entry.manifest) == bool(entry.task),
                "expected `annotation` alone, or `manifest` and its `task`",
            )
            for number, entry in enumerate(config.data)
        ),
    ]
    faults = [Fault(document.line_of(keys), message) for keys, holds, message in checks if not holds]
    if faults:
        raise YamlError(path, faults)
    return config


def beside(path: Path, given: str) -> Path:
    """A path of a training file, which lies at `path`."""
    return path.parent / Path(given).expanduser()


def describe(config: TrainConfig) -> dict[str, Any]:
    """The numbers that one wants to see first."""
    return {
        "stage": config.stage,
        "steps": config.steps,
        "examples a step": config.batch_size * config.accumulate,
        "learns": ", ".join(config.train),
    }


def need(value: str | None, what: str) -> str:
    """A value that the checks above have seen to; UsageError otherwise."""
    if value is None:
        raise UsageError(f"the training file lacks {what}")
    return value
