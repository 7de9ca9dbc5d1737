"""Text files and tables of a corpus, line by line; every fault names file, line, what was found and what was expected.

A byte order mark and CRLF line ends are taken as what editors on Windows leave behind, not as faults.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from salmonn_eval.errors import UsageError

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_QUOTE = 60


class Dialect(Struct, frozen=True):
    """How a table parts and quotes its cells; `quoted` cells may hold the delimiter and line ends."""

    delimiter: str
    quoted: bool = True
    escape: str | None = None


CSV = Dialect(",")
TSV = Dialect("\t", quoted=False)


def lines(path: Path, what: str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text without its end); `what` is what was expected, e.g. "a list of trials".

    Raises UsageError for a file that cannot be read and for a line that is not UTF-8.
    """
    for number, line in _decoded(path, what):
        yield number, line.rstrip("\r\n")


def table(path: Path, columns: Sequence[str], dialect: Dialect, what: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, cells by column) of a table with a header; blank lines are skipped.

    Raises UsageError for a header that lacks one of `columns`, a row of another width than the header, an empty cell
    in one of `columns`, and a quote that never ends.
    """
    ended = [0]
    reader = csv.reader(
        _counted(path, what, ended),
        strict=True,
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        escapechar=dialect.escape,
    )
    header: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, ended[0] + 1
            if cells and header is None:
                header = _header(cells, columns, f"{path}:{number}", what)
            elif cells and header is not None:
                yield number, _row(header, cells, columns, f"{path}:{number}", what)
    except csv.Error as fault:
        raise UsageError(f"{path}:{begins}: {fault}; expected a row of {what}") from fault
    if header is None:
        raise UsageError(f"{path}: is empty; expected {what} with a header: {', '.join(columns)}")


def _counted(path: Path, what: str, ended: list[int]) -> Iterator[str]:
    for number, line in _decoded(path, what):
        ended[0] = number
        yield line


def _header(cells: list[str], columns: Sequence[str], where: str, what: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if lacking := [column for column in columns if column not in header]:
        raise UsageError(
            f"{where}: no column {', '.join(map(repr, lacking))} (found {_quoted(', '.join(header))}); "
            f"expected the header of {what}"
        )
    return header


def _row(header: list[str], cells: list[str], columns: Sequence[str], where: str, what: str) -> dict[str, str]:
    if len(cells) != len(header):
        raise UsageError(
            f"{where}: {len(cells)} cells (the first is {_quoted(cells[0])}); expected {len(header)} as in the header "
            f"of {what}"
        )
    row = dict(zip(header, cells, strict=True))
    for column in columns:
        if not row[column].strip():
            raise UsageError(f"{where}: {column!r} is empty; expected a text there, as in every row of {what}")
    return row


def _decoded(path: Path, what: str) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.removeprefix(_UTF8_MARK) if number == 1 else raw
                if number == 1 and raw.startswith(_UTF16_MARKS):
                    raise UsageError(f"{path}:1: UTF-16 text; expected {what} in UTF-8: convert it, e.g. with iconv")
                yield number, _text(line, f"{path}:{number}", what)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected {what}") from fault


def _text(line: bytes, where: str, what: str) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        found = f"byte 0x{line[fault.start]:02x} at column {fault.start + 1}"
        raise UsageError(
            f"{where}: not UTF-8 ({found}); expected {what} in UTF-8: convert it, e.g. with iconv"
        ) from fault
    if "\0" in text:
        raise UsageError(f"{where}: holds a zero byte; expected {what}, a text file: get it again")
    return text


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "...")
