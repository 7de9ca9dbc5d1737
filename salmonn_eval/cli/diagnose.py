"""`diagnose`: what a finished run shows of task over-fitting, without its model."""

from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


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
    json: o.Json = False,
) -> None:
    """Diagnose a finished run from its answers alone; writes RUN/diagnosis/NAME.json and NAME.md."""
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.cli.tables import terminal_columns
    from salmonn_eval.diagnose import everything
    from salmonn_eval.report import diagnosis_files
    from salmonn_eval.report.diagnoses import sections, text

    found = everything.diagnose(run, most_loss)
    folder = diagnosis_files.write(run, found)
    if json:
        say_json(diagnosis_files.each(found))
        return
    for one in diagnosis_files.each(found).values():
        say(text(sections(one), terminal_columns()))
    say(f"diagnosis: {folder}")
