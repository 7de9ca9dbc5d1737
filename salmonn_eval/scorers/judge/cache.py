"""What a judge said is kept on disk: the same prompt is never paid for twice."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.canonical import canonical
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.jsonl import write_json
from salmonn_eval.scorers.judge.protocol import Judge, JudgePrompt, Reply

BATCH = 256
"""Prompts looked up at a time."""


class Kept(Struct, frozen=True):
    """One file of the cache: who was asked, where, what, and what was said."""

    model: str
    place: str
    origin: str
    prompt: str
    reply: str


class RememberingJudge:
    """A judge whose replies are kept under a hash of model, place, prompt file and whole prompt.

    `place` tells apart what goes by one model id: the endpoint's address, or a model's fingerprint. Replies are kept
    whatever they say; failures are not. Each is one file, replaced whole, so that processes may share the folder.
    """

    def __init__(self, judge: Judge, folder: Path, place: str) -> None:
        self.model = judge.model
        self._judge = judge
        self._folder = folder
        self._place = place

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        """Replies in order, from disk where they are; PrerequisiteError when the folder cannot be written."""
        source = iter(prompts)
        while batch := list(islice(source, BATCH)):
            known = {one: reply for one in batch if (reply := self._read(one))}
            unknown = [one for one in dict.fromkeys(batch) if one not in known]
            for one, reply in zip(unknown, self._judge.ask(unknown), strict=True):
                known[one] = reply
                if reply.text is not None:
                    self._keep(one, reply.text)
            yield from (known[one] for one in batch)

    def _path(self, one: JudgePrompt) -> Path:
        name = hashlib.sha256(canonical([self.model, self._place, one.origin, one.text])).hexdigest()
        return self._folder / name[:2] / f"{name}.json"

    def _read(self, one: JudgePrompt) -> Reply | None:
        try:
            kept = msgspec.json.decode(self._path(one).read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return None
        return Reply(kept.reply) if kept.prompt == one.text else None

    def _keep(self, one: JudgePrompt, text: str) -> None:
        path = self._path(one)
        try:
            write_json(path, Kept(self.model, self._place, one.origin, one.text, text))
        except OSError as fault:
            raise PrerequisiteError(
                f"{path.parent}: cannot be written ({fault.strerror}); set SALMONN_EVAL_CACHE to a writable folder"
            ) from fault
