"""The instruction wordings that a release was trained with, read from its own prompt file."""

from collections.abc import Iterable
from pathlib import Path

from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.tasks.prompts import variables
from salmonn_eval.tasks.spec import SeenPrompts, TaskSpec

AUDIO_MARK = "<Speech><SpeechHere></Speech>"
PLACEHOLDER = "{}"


def load_seen_prompts(file: Path, tasks: Iterable[TaskSpec]) -> SeenPrompts:
    """Read SALMONN's `train_prompt.json`: an object from the release's task name to a list of prompts.

    A task finds its own by `release_key`; names that belong to no task are left alone. The mark of the audio is taken
    off, and `{}` becomes the variable of the task's instruction. Raises UsageError naming file and key.
    """
    prompts = read_whole(file, dict[str, tuple[str, ...]], what="prompt file (task name: list of prompts)")
    wordings = {
        task.id: tuple(_wording(prompt, task, f"{file}: `{task.release_key}`") for prompt in prompts[task.release_key])
        for task in tasks
        if task.release_key is not None and task.release_key in prompts
    }
    if not wordings:
        raise UsageError(f"{file}: no key belongs to a task; expected names such as `asr` or `audiocaption`")
    return SeenPrompts(wordings)


def _wording(prompt: str, task: TaskSpec, where: str) -> str:
    text = prompt.replace(AUDIO_MARK, "").strip()
    names = sorted(variables(task.instruction))
    if len(names) > 1 or text.count(PLACEHOLDER) != len(names):
        raise UsageError(
            f"{where}: {prompt!r} has {text.count(PLACEHOLDER)} `{PLACEHOLDER}`, the instruction of task `{task.id}` "
            f"has {len(names)} variables; expected one each, or none"
        )
    return text.replace(PLACEHOLDER, f"{{{{ {names[0]} }}}}") if names else text
