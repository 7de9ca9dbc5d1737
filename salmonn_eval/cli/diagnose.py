"""`diagnose`: what a finished run shows of task over-fitting; with its model, what the probes add."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from salmonn_eval.cli import options as o
from salmonn_eval.cli.probe import ALL_PARTS, Parts

if TYPE_CHECKING:
    from salmonn_eval.diagnose.everything import Activated
    from salmonn_eval.engine.spec import RunSpec


def diagnose(
    run: Annotated[Path, typer.Argument(help="A run directory, of any model, or made by `import`.")],
    most_loss: Annotated[
        float,
        typer.Option(
            "--most-loss",
            min=0.0,
            max=1.0,
            help="What a recommended LoRA scale may cost a trained task, as a fraction.",
        ),
    ] = 0.10,
    after: Annotated[
        Path | None, typer.Option("--after", help="The run after activation tuning; RUN is then the one before.")
    ] = None,
    control: Annotated[
        Path | None, typer.Option("--control", help="With --after: the run of the control's adapter.")
    ] = None,
    activated: Annotated[
        str, typer.Option("--activated", help="With --after: the task whose answers were learned.")
    ] = "story",
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Draw SVG and PNG (default: yes).")] = True,
    model: Annotated[
        str | None,
        o.option("--model", help="The model that answered RUN, by card or path: it is then probed too.", env=False),
    ] = None,
    model_arg: o.ModelArg = None,
    model_path: o.ModelPath = None,
    parts: Parts = ALL_PARTS,
    device: o.Device = "auto",
    batch_size: o.BatchSize = None,
    json: o.Json = False,
) -> None:
    """Diagnose a finished run from its answers alone; writes RUN/diagnosis/NAME.json, NAME.md and plots.

    With --model the diagnoses that need one (perplexity, selection, forgetting, hallucination, collapse) join them.
    """
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.cli.probe import probed, told
    from salmonn_eval.cli.tables import terminal_columns
    from salmonn_eval.diagnose import everything
    from salmonn_eval.report import diagnosis_files, diagnosis_plots, load
    from salmonn_eval.report.diagnoses import sections, text

    spec = None if model is None else _spec(run, model, model_arg, model_path or [])
    found = everything.diagnose(run, most_loss, _activated(after, control, activated))
    folder = diagnosis_files.write(run, found)
    if plots:
        diagnosis_plots.draw(folder / "plots", found, load.results(run))
    asked = {} if spec is None else probed(spec, folder, parts, device, batch_size, plots=plots)
    if json:
        answers: Mapping[str, object] = diagnosis_files.each(found)
        say_json({**answers, **asked})
        return
    for one in diagnosis_files.each(found).values():
        say(text(sections(one), terminal_columns()))
    for page in told(asked.values()):
        say(page)
    say(f"diagnosis: {folder}")


def _activated(after: Path | None, control: Path | None, task: str) -> "Activated | None":
    from salmonn_eval.diagnose.everything import Activated
    from salmonn_eval.errors import UsageError

    if (after is None) != (control is None):
        raise UsageError("--after and --control go together: what tuning does at all is told from what it does by both")
    return None if after is None or control is None else Activated(after, control, task)


def _spec(run: Path, name: str, arguments: Sequence[str] | None, folders: Sequence[Path]) -> "RunSpec":
    """What RUN asked, to be asked of the model that answered it; UsageError for another model and for imported logs."""
    from msgspec.structs import replace

    from salmonn_eval.cli import parse
    from salmonn_eval.engine.rundir import RunDirectory
    from salmonn_eval.errors import UsageError
    from salmonn_eval.models import registry

    spec = RunDirectory(run).read().spec
    if spec.imported:
        raise UsageError(f"{run}: an imported log names no audio to ask about; use `probe --model {name} --tasks ...`")
    card = registry.resolve(name, parse.pairs("--model-arg", arguments), spec.card.dtype, folders=folders)
    if card.fingerprint != spec.card.fingerprint:
        raise UsageError(
            f"--model {name}: is not the model that answered {run} ({spec.card.name}: other weights or settings); its "
            "own is expected, or `probe` for another one"
        )
    return replace(spec, card=card)
