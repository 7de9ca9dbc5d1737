"""`validate`: check task definitions and the data they name."""

from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Definitions or folders of them; none: the bundled ones.")
    ] = None,
    data: o.Data = None,
    json: o.Json = False,
) -> None:
    """Check definitions, and the data of every test set that is at hand; each fault has its file and line.

    Ends with 1 if anything is wrong. Metrics that this version lacks are notes, not faults.
    """
    from salmonn_eval.bundled import bundled
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.data.check import check_dataset
    from salmonn_eval.scorers.registry import availability, check_settings
    from salmonn_eval.scorers.rules import check_rule
    from salmonn_eval.tasks.checks import Known
    from salmonn_eval.tasks.validate import check_places

    known = Known(metrics=availability(), metric_fault=check_settings, rule_fault=check_rule)
    tasks, findings = check_places(paths or [bundled("tasks")], known)
    corpora = {corpus: Path(folder) for corpus, folder in parse.pairs("--data", data).items()}
    checked = skipped = 0
    for task in tasks:
        for name, dataset in task.spec.datasets.items():
            if dataset.corpus is not None and dataset.corpus not in corpora:
                skipped += 1
                continue
            checked += 1
            findings += check_dataset(task, name, dataset, corpora)
    errors = [finding for finding in findings if finding.level == "error"]
    if json:
        say_json({"findings": findings, "tasks": len(tasks), "datasets_checked": checked, "datasets_skipped": skipped})
    else:
        for finding in findings:
            say(f"{finding}" if finding.level == "error" else f"note: {finding}")
        say(
            f"{len(tasks)} tasks, {checked} test sets with their data"
            + (f", {skipped} without (say --data CORPUS=DIR)" if skipped else "")
            + f": {len(errors)} faults"
        )
    raise typer.Exit(1 if errors else 0)
