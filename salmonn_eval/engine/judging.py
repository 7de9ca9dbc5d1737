"""The judge of a run: from what the user says, from `run.json`, or from a model at hand."""

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from salmonn_eval.cachefolder import cache_folder
from salmonn_eval.canonical import fingerprint
from salmonn_eval.engine.executor import LocalExecutor
from salmonn_eval.engine.spec import JudgeSettings
from salmonn_eval.errors import PrerequisiteError, SalmonnEvalError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import Model, ModelCard
from salmonn_eval.records import Generation, Request, Variant
from salmonn_eval.scorers.judge.cache import RememberingJudge
from salmonn_eval.scorers.judge.endpoint import EndpointJudge, completions_url
from salmonn_eval.scorers.judge.protocol import Judge, JudgePrompt, Reply

DEFAULT_KEY_ENV = "OPENAI_API_KEY"
LONGEST_REPLY = 300
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def judge_settings(
    model: str | None, url: str | None, key_env: str | None, *, model_paths: Sequence[Path] = ()
) -> JudgeSettings | None:
    """What the user says of the judge: with a URL `model` is the endpoint's, else a card's name or path.

    Raises UsageError for options that do not go together, and for what looks like a key where its name belongs.
    """
    if model is None:
        if url is not None or key_env is not None:
            raise UsageError("--judge-url and --judge-key-env go with --judge-model: name the model that judges")
        return None
    if key_env is not None and not _VARIABLE.fullmatch(key_env):
        raise UsageError(
            "--judge-key-env: expected the NAME of an environment variable (capitals, digits, _), e.g. "
            f"{DEFAULT_KEY_ENV}; never the key itself"
        )
    if url is None:
        if key_env is not None:
            raise UsageError("--judge-key-env goes with --judge-url: a model of this machine needs no key")
        try:
            card = registry.resolve(model, {}, folders=model_paths)
        except UsageError as fault:
            raise UsageError(f"--judge-model {model}: without --judge-url it names a model card; {fault}") from fault
        return JudgeSettings(card.name, card=card)
    completions_url(url)
    return JudgeSettings(model, url, key_env)


def check_judge(card: ModelCard, settings: JudgeSettings | None) -> None:
    """Raise UsageError where the evaluated model would judge itself, or where the tiny embedded one would."""
    if settings is None:
        return
    name = _bare(settings.model)
    same = settings.card is not None and settings.card.fingerprint == card.fingerprint
    if same or name == _bare(card.name):
        raise UsageError(f"--judge-model {settings.model}: is the evaluated model; nobody judges itself: name another")
    if name.startswith("salmonn-nano"):
        raise UsageError(f"--judge-model {settings.model}: is far too small to judge; name a capable language model")


def open_judge(settings: JudgeSettings | None) -> Judge | None:
    """The judge, its replies kept in the cache folder. Nothing is loaded or asked yet.

    Raises PrerequisiteError when the environment variable named for its key is not set.
    """
    if settings is None:
        return None
    folder = cache_folder() / "judge"
    if settings.card is not None:
        card = settings.card
        judge = ModelJudge(card, lambda: registry.load(card, device="auto", dtype=card.dtype, batch_size=None))
        return RememberingJudge(judge, folder, card.fingerprint)
    url = settings.url or ""
    return RememberingJudge(EndpointJudge(settings.model, url, _key(settings.key_env)), folder, completions_url(url))


class ModelJudge:
    """Any model as a judge: prompts as instructions without audio, decoded greedily; loaded when first asked."""

    def __init__(self, card: ModelCard, load: Callable[[], Model]) -> None:
        self.model = card.name
        self._load = load
        self._model: Model | None = None
        self._fault: str | None = None

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        """One Reply per prompt, in order, once all are answered."""
        asked = [_request(prompt) for prompt in prompts]
        if asked and self._model is None and self._fault is None:
            try:
                self._model = self._load()
            except SalmonnEvalError as fault:
                self._fault = f"it cannot be loaded: {fault}"
        if self._model is None:
            yield from (Reply(None, self._fault) for _ in asked)
            return
        once = {request.key: request for request in asked}
        answers = LocalExecutor(self._model, workers=1).answer(once.values(), threading.Event())
        replies = {answer.key: Reply(answer.text, answer.error) for answer in answers}
        yield from (replies[request.key] for request in asked)


def _request(prompt: JudgePrompt) -> Request:
    key = fingerprint([prompt.origin, prompt.text])
    return Request(key, "judge", prompt.origin, key, prompt.text, (), Generation(LONGEST_REPLY), Variant())


def _bare(name: str) -> str:
    """A model id without the organisation before it and in lower case."""
    return name.rpartition("/")[2].casefold()


def _key(named: str | None) -> str | None:
    """The key of the variable that was named, which must hold one; else of the usual one, which may not."""
    key = os.environ.get(named or DEFAULT_KEY_ENV, "").strip()
    if not key and named is not None:
        raise PrerequisiteError(f"--judge-key-env {named}: the environment variable is not set; export {named}=...")
    if not key.isascii() or not key.isprintable():
        raise PrerequisiteError(f"the key in {named or DEFAULT_KEY_ENV} holds characters that no key has; set it anew")
    return key or None
