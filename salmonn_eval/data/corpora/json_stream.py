"""The elements of one list in a JSON file that is too big to hold: a part at a time."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from salmonn_eval.errors import UsageError

_CHUNK = 1 << 22
# The longest element that is believed; beyond it the file is broken, and reading on would fill the memory.
_LONGEST = 1 << 27
_BETWEEN = re.compile(r"[\s,]*")


def elements(path: Path, key: str, what: str) -> Iterator[tuple[int, Any]]:
    """Yield (line from 1, value) of each element of the list at `key` of the outermost object.

    Raises UsageError with the line for what is not UTF-8 JSON, and for a file without such a list or its end.
    """
    try:
        with path.open("rb") as file:
            yield from _Window(file, path, what).elements(key)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected {what}") from fault


class _Window:
    """The part of a file that is being looked at: `text` from `line` on, with the place to go on from."""

    def __init__(self, file: IO[bytes], path: Path, what: str) -> None:
        self._file = file
        self._path = path
        self._what = what
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._ended = False
        self._text = ""
        self._place = 0
        self._line = 1

    def elements(self, key: str) -> Iterator[tuple[int, Any]]:
        self._seek_list(key)
        decoder = json.JSONDecoder()
        while not self._at_end_of_list():
            line, value = self._next(decoder)
            yield line, value

    def _seek_list(self, key: str) -> None:
        opening = re.compile(rf'"{re.escape(key)}"\s*:\s*\[')
        while (found := opening.search(self._text)) is None:
            if not self._more():
                raise UsageError(f"{self._path}: holds no list {key!r}; expected {self._what}")
        self._place = found.end()

    def _at_end_of_list(self) -> bool:
        while True:
            between = _BETWEEN.match(self._text, self._place)
            self._place = between.end() if between else self._place
            if self._place < len(self._text):
                return self._text[self._place] == "]"
            if not self._more():
                raise UsageError(
                    f"{self._path}:{self._at()}: the file ends inside a list; expected {self._what}, whole"
                )

    def _next(self, decoder: json.JSONDecoder) -> tuple[int, Any]:
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError as fault:
                if len(self._text) - self._place < _LONGEST and self._more():
                    continue
                where = f"{self._path}:{self._line + self._text.count(chr(10), 0, fault.pos)}"
                raise UsageError(f"{where}: not valid JSON ({fault.msg}); expected {self._what}, whole") from fault
            line, self._place = self._at(), end
            return line, value

    def _at(self) -> int:
        return self._line + self._text.count("\n", 0, self._place)

    def _more(self) -> bool:
        """Read on, letting go of what was taken; False at the end of the file."""
        if self._ended:
            return False
        raw = self._file.read(max(_CHUNK, len(self._text) - self._place))
        self._ended = not raw
        self._line, self._text, self._place = self._at(), self._text[self._place :], 0
        try:
            self._text += self._utf8.decode(raw, final=self._ended)
        except UnicodeDecodeError as fault:
            line = self._line + self._text.count("\n") + fault.object.count(b"\n", 0, fault.start)
            raise UsageError(f"{self._path}:{line}: not UTF-8; expected {self._what}") from fault
        return not self._ended
