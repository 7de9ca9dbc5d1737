"""Penn Treebank tokens as the COCO caption evaluation makes them: one long-lived tokenizer for any number of texts."""

import re
import secrets
import string
from collections.abc import Sequence

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.scorers.captions.java import coco_folder
from salmonn_eval.scorers.captions.process import JavaFault, LineTool, halved

TOKENIZER = ("tokens", "ptb-corenlp-3.4.1-coco")
"""For signatures."""
PUNCTUATION = frozenset("'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split())
"""Tokens that coco-caption drops. Tokens are in lower case, so that `-lrb-` and its kind stay: part of the metric."""
_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_START_S = 300.0
_QUIET_S = 120.0
_HEAP_MB = 512


class PtbTokenizer:
    """Stanford's PTBTokenizer (CoreNLP 3.4.1) in one process that starts with the first text and is `close`d.

    The program neither answers line by line nor tells which output belongs to which input. So each text is followed by
    a line that no text holds, and each batch by enough of them to push everything out of the program's buffers. Tokens
    of a text do not depend on its neighbours.
    """

    def __init__(self) -> None:
        self._mark = "".join(secrets.choice(string.ascii_lowercase) for _ in range(120)).encode()
        self._filler = (self._mark + b"q\n") * 300
        self._tool: LineTool | None = None
        self._broken: str | None = None

    def tokenize(self, texts: Sequence[str]) -> list[str | JavaFault]:
        """Tokens of each text in lower case, joined by single spaces, punctuation left out.

        A text that the program dies of gets the fault. Raises PrerequisiteError where the program does not run at all.
        """
        return halved(self._batch, texts)

    def close(self) -> None:
        """End the process; the next text starts another."""
        if self._tool is not None:
            self._tool.close()
            self._tool = None

    def _batch(self, texts: Sequence[str]) -> list[str]:
        if self._tool is None:
            self._start()
        return self._exchange(texts, _QUIET_S)

    def _start(self) -> None:
        if self._broken is None:
            jar = coco_folder() / "tokenizer" / "stanford-corenlp-3.4.1.jar"
            main = ("edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase")
            self._tool = LineTool("the PTB tokenizer", main, [jar], _HEAP_MB)
            try:
                self._exchange(["a dog barks"], _START_S)
            except JavaFault as fault:
                self._broken = f"{fault}; salmonn-eval doctor checks Java"
        if self._broken is not None:
            raise PrerequisiteError(self._broken)

    def _exchange(self, texts: Sequence[str], quiet_s: float) -> list[str]:
        assert self._tool is not None, "started before"
        request = b"".join(_line(text) + self._mark + b"\n" for text in texts) + self._filler
        found: list[str] = []
        tokens: list[str] = []
        try:
            for line in self._tool.lines(request, quiet_s):
                if line == self._mark:
                    found.append(" ".join(tokens))
                    tokens = []
                    if len(found) == len(texts):
                        return found
                elif line != self._mark + b"q":
                    tokens += _tokens(line)
        except JavaFault:
            self.close()
            raise
        raise AssertionError("a tool that ends raises JavaFault")


def _line(text: str) -> bytes:
    """One line of UTF-8; what a line cannot hold becomes a space, a lone surrogate a question mark (dropped later)."""
    return _BREAKS.sub(" ", text).encode("utf-8", errors="replace") + b"\n"


def _tokens(line: bytes) -> list[str]:
    words = line.decode("utf-8", errors="replace").rstrip().split(" ")
    return [word for word in words if word and word not in PUNCTUATION]
