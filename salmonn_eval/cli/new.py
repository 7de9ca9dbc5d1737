"""`new task` and `new model`: definitions to start from."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write a commented definition to start from.", no_args_is_help=True)


@app.command("task")
def new_task(
    name: Annotated[str, typer.Argument(help="The task's id, e.g. my-task.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where to write it.")] = Path(),
) -> None:
    """Write NAME.yaml, a valid task, with a manifest beside it; nothing is overwritten."""
    from salmonn_eval.cli.console import say
    from salmonn_eval.tasks import template

    written = template.new_task(name, folder)
    say("\n".join(str(path) for path in written))
    say(f"next: salmonn-eval validate {folder}; salmonn-eval run --task-path {folder} --tasks {name}")


@app.command("model")
def new_model(
    name: Annotated[str, typer.Argument(help="The card's name, e.g. my-model.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where to write it.")] = Path(),
) -> None:
    """Write NAME.yaml, a model card; nothing is overwritten."""
    from salmonn_eval.cli.console import say
    from salmonn_eval.models import template

    say(str(template.write_card(name, folder)))
    say(f"next: salmonn-eval run --model-path {folder} --model {name}")
