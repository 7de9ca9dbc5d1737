"""The options that several commands share: name, environment variable, help. Data, not logic."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salmonn_eval.cli.config import load_config


def option(*names: str, help: str, env: bool = True, **more: Any) -> Any:
    """One option; its environment variable is SALMONN_EVAL_ and its name."""
    variable = f"SALMONN_EVAL_{names[0].lstrip('-').partition('/')[0].replace('-', '_').upper()}"
    return typer.Option(*names, help=help, envvar=variable if env else None, show_envvar=False, **more)


Tasks = Annotated[
    str, option("--tasks", help="Groups (level1, level2, level3, all, extra), tasks (asr), datasets (asr:mini-real).")
]
Suite = Annotated[
    str | None,
    option("--suite", help="Test sets where only a task is named: mini, mini-real or paper (default: the model's)."),
]
Annotation = Annotated[
    Path | None,
    option(
        "--annotation", help="A JSON of the SALMONN release: its entries are the test sets; audio by --data audio=DIR."
    ),
]
AnnotationTask = Annotated[
    str | None, option("--task", help="Of --annotation: which task its questions are (sqa, aqa or mqa).", env=False)
]
Model = Annotated[str, option("--model", help="A model card's name (`list models`) or the path of one.")]
ModelArg = Annotated[list[str] | None, option("--model-arg", help="NAME=VALUE for the model's card; repeatable.")]
TaskPath = Annotated[list[Path] | None, option("--task-path", help="A folder or file of task definitions; repeatable.")]
ModelPath = Annotated[list[Path] | None, option("--model-path", help="A folder of model cards; repeatable.")]
Data = Annotated[list[str] | None, option("--data", help="CORPUS=DIR: where a corpus lies; repeatable.")]
Device = Annotated[str, option("--device", help="auto, cpu, cuda or cuda:N.")]
Dtype = Annotated[str | None, option("--dtype", help="float32, bf16 or fp16 (default: the model's first).")]
BatchSize = Annotated[int | None, option("--batch-size", min=1, help="Requests a batch (default: the model's own).")]
Seed = Annotated[int, option("--seed", help="Seed of --limit and of conditions.")]
Limit = Annotated[
    int | None, option("--limit", min=0, help="Samples a dataset, drawn by seed; 0: all (default: all, or the card's).")
]
SampleId = Annotated[list[str] | None, option("--sample-id", help="Ask only this sample; repeatable.")]
Generation = Annotated[
    list[str] | None, option("--generation", help="KEY=VALUE decoding setting, e.g. max_new_tokens=100; repeatable.")
]
PromptSet = Annotated[str, option("--prompt-set", help="release, paraphrase-N, seen-N; a comma list asks each.")]
Condition = Annotated[str, option("--condition", help="none, silence, noise, swapped, text; a comma list asks each.")]
LoraScale = Annotated[
    str | None,
    option(
        "--lora-scale",
        help="Scale of the model's adapter, alpha / r included; a comma list asks each (default: its own).",
    ),
]
LoraScales = Annotated[
    str | None,
    option(
        "--lora-scales",
        help="Scales to sweep, alpha / r included, as 0,2,4 (default: five from 0 to the adapter's own).",
    ),
]
SeenPrompts = Annotated[
    Path | None,
    option("--seen-prompts", help="The release's train_prompt.json: its wordings become seen-1, seen-2 ..."),
]
Metric = Annotated[
    list[str] | None, option("--metric", help="A further metric, e.g. 'wer(normalizer=none)'; repeatable.")
]
LongAudio = Annotated[
    str | None, option("--long-audio", help="truncate, error or keep what is longer than the model takes.")
]
JudgeModel = Annotated[
    str | None,
    option("--judge-model", help="Who reads answers: a model id of --judge-url; without it a card's name or path."),
]
JudgeUrl = Annotated[
    str | None, option("--judge-url", help="Base of the judge's OpenAI-compatible endpoint, e.g. http://HOST/v1.")
]
JudgeKeyEnv = Annotated[
    str | None,
    option("--judge-key-env", help="Environment variable that holds the judge's key (default: OPENAI_API_KEY)."),
]
Intervals = Annotated[
    str, option("--intervals", help="standard, or bca: the bias-corrected and accelerated bootstrap (no proportions).")
]
Out = Annotated[Path, option("--out", help="Folder of run directories.")]
RunDir = Annotated[Path | None, option("--run-dir", help="This very run directory, new or to be continued.")]
Fresh = Annotated[bool, option("--fresh", help="Start anew instead of continuing an unfinished run.")]
Shard = Annotated[str | None, option("--shard", help="i/N: answer only part i of N; needs --run-dir.")]
MaxErrors = Annotated[str, option("--max-errors", help="Failed samples that are tolerated: a count, or a share as 1%.")]
FailFast = Annotated[bool, option("--fail-fast", help="Stop at the first failed sample.")]
SkipMissingData = Annotated[bool, option("--skip-missing-data", help="Run without the corpora that are not at hand.")]
AllowMissingMetrics = Annotated[
    bool, option("--allow-missing-metrics", help="Run although a headline metric of a paper test set is not available.")
]
Workers = Annotated[int, option("--workers", min=1, help="Threads that decode audio.")]
EncoderCache = Annotated[
    Path | None,
    option("--encoder-cache", help="Folder in which encoder outputs are kept from run to run (models that have them)."),
]
Canary = Annotated[
    bool,
    option("--canary/--no-canary", help="First ask a few samples as silence; warn if answers stay (default: yes)."),
]
DryRun = Annotated[bool, option("--dry-run", help="Say what would be done, and stop.", env=False)]
Json = Annotated[bool, option("--json", help="Print JSON instead of text.", env=False)]
Markdown = Annotated[bool, option("--markdown", help="Print Markdown instead of text.", env=False)]
Common = Annotated[
    bool, option("--common", help="Over the samples that all have, where their subsets differ.", env=False)
]
Variant = Annotated[
    str | None, option("--variant", help="FIELD=VALUE of the variant to hold, e.g. lora_scale=1 (A).", env=False)
]
Against = Annotated[
    str | None, option("--against", help="FIELD=VALUE of the variant it is held against (B).", env=False)
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        help="A YAML file of these options (flags and environment variables win).",
        callback=load_config,
        is_eager=True,
    ),
]
