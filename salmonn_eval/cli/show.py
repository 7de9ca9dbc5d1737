"""`show`: one task, one model card, one run, or one sample of a run, whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salmonn_eval.cli import options as o

if TYPE_CHECKING:
    from salmonn_eval.engine.joined import Item
    from salmonn_eval.engine.rundir import RunDirectory, RunFile


def show(
    what: Annotated[str, typer.Argument(help="A task id, a model's name, or a run directory.")],
    sample: Annotated[str | None, typer.Option("--sample", help="One sample of a run, by its id.")] = None,
    task_path: o.TaskPath = None,
    model_path: o.ModelPath = None,
    json: o.Json = False,
) -> None:
    """Show a task, a model, or a run (with --sample: its question, answer, references, every score and why)."""
    from salmonn_eval.errors import UsageError

    folder = Path(what)
    if (folder / "run.json").exists():
        from salmonn_eval.engine.rundir import RunDirectory

        run = RunDirectory(folder)
        _run(run, json=json) if sample is None else _sample(run, sample, json=json)
    elif sample is not None:
        raise UsageError(f"--sample {sample}: {what} is not a run directory; name one made by `salmonn-eval run`")
    else:
        _definition(what, task_path or [], model_path or [], json=json)


def _definition(name: str, task_paths: list[Path], model_paths: list[Path], *, json: bool) -> None:
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.errors import UsageError
    from salmonn_eval.models.cards import read_card
    from salmonn_eval.models.registry import find_cards
    from salmonn_eval.tasks.discover import discover
    from salmonn_eval.tasks.page import page

    tasks = {task.spec.id: task for task in discover(task_paths).tasks}
    if name in tasks:
        say_json(tasks[name].spec) if json else say(page(tasks[name]).rstrip())
        return
    cards = find_cards(model_paths)
    if name in cards:
        say_json(read_card(cards[name])) if json else say(cards[name].read_text(encoding="utf-8").rstrip())
        return
    raise UsageError(f"{name}: neither a task, nor a model, nor a run directory; see `salmonn-eval list`")


def _run(run: "RunDirectory", *, json: bool) -> None:
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.cli.tables import caption, terminal_columns
    from salmonn_eval.report import load, table

    state = run.read()
    if json:
        say_json(state)
        return
    for line in _facts(run, state):
        say(line)
    if run.results.exists():
        say("")
        say(table.text(load.results(run.path), caption=caption(run), columns=terminal_columns()).rstrip())
    else:
        say("no results yet: repeat the command above to go on, or score what is there with `salmonn-eval score`")


def _facts(run: "RunDirectory", state: "RunFile") -> list[str]:
    from salmonn_eval.cli.console import hours

    provenance = state.provenance[-1] if state.provenance else {}
    lines = [
        f"run: {run.path}",
        f"status: {state.status}, {state.errors} failed; made {state.created}; spec {state.spec_hash}",
        f"command: {' '.join(provenance.get('command', []))}",
        f"made with: salmonn-eval {provenance.get('salmonn_eval')}, Python {provenance.get('python')}",
    ]
    for part, speed in state.speed.items():
        if speed.seconds:
            rate = f"{speed.audio_s / speed.seconds:.3g} s of audio a second, " if speed.audio_s else ""
            tokens = f", {speed.tokens / speed.seconds:.3g} tokens/s" if speed.tokens else ""
            lines.append(
                f"speed ({part}): {rate}{speed.answers / speed.seconds:.3g} answers/s{tokens}, {hours(speed.seconds)}"
            )
    return lines


def _sample(run: "RunDirectory", sample: str, *, json: bool) -> None:
    from salmonn_eval.cli.console import say, say_json
    from salmonn_eval.engine.joined import Joined
    from salmonn_eval.errors import UsageError

    found = []
    for question in run.read().spec.questions:
        joined = Joined(run, question.name)
        scores = _scores(run, question.name, sample)
        found += [_told(item, scores) for item in joined if item.sample.id == sample]
        joined.close()
    if not found:
        raise UsageError(f"--sample {sample}: not among the planned samples of {run.path}; see its samples/ folder")
    if json:
        say_json(found)
        return
    for entry in found:
        for name, value in entry.items():
            say(
                f"{name}: {value}"
                if not isinstance(value, list)
                else "\n".join([f"{name}:", *(f"  {v}" for v in value)])
            )
        say("")


def _scores(run: "RunDirectory", name: str, sample: str) -> dict[str, list[str]]:
    """Lines of what each metric found, by request key."""
    from salmonn_eval.engine.scoring import ScoreRow
    from salmonn_eval.jsonl import read_rows

    found: dict[str, list[str]] = {}
    if run.scores(name).exists():
        for _, row in read_rows(run.scores(name), ScoreRow, what="score"):
            if row.sample_id == sample:
                number = "" if row.value is None else f" {row.value:.6g}"
                heard = f", read as {row.answer!r}" if row.answer is not None else ""
                why = f" ({row.why})" if row.why else ""
                line = f"{row.signature}: {row.status}{number}, followed {row.followed}{heard}{why}"
                found.setdefault(row.key, []).append(line)
    return found


def _told(item: "Item", scores: dict[str, list[str]]) -> dict[str, Any]:
    """Everything about one request, in reading order."""
    request, prediction = item.row.request, item.prediction
    variant = ", ".join(f"{field}={getattr(request.variant, field)}" for field in request.variant.__struct_fields__)
    answer = item.fault or repr(prediction.text if prediction else None)
    return {
        "sample": f"{request.task}.{request.dataset} {item.sample.id}",
        "key": request.key,
        "variant": variant,
        "audio": [f"{part.path or 'in memory'}" for clip in request.clips for part in clip.parts],
        "instruction": request.instruction,
        "answer" if item.fault is None else "error": answer,
        "finish": prediction.finish if prediction else "not asked",
        "references": [repr(reference) for reference in item.sample.references],
        "labels": list(item.sample.labels),
        "fields": [f"{name}={value!r}" for name, value in item.sample.fields.items()],
        "scores": scores.get(request.key, []),
    }
