"""One large file over HTTP, continued where an earlier attempt broke off."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from salmonn_eval.errors import PrerequisiteError

_CHUNK = 1 << 20
_TOLD_EVERY = 50 << 20
_TIMEOUT_S = 60.0
_PARTIAL = 206
_NOT_SATISFIABLE = 416


def download(address: str, target: Path, note: Callable[[str], None]) -> Path:
    """Get `address` into `target`; bytes that lie there already are not asked for again.

    A server that does not know ranges sends everything anew. `note` is told the progress. Raises PrerequisiteError that
    says how far it came; what came stays for the next call.
    """
    have = target.stat().st_size if target.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    note(f"downloading {address}" + (f", continuing at {have >> 20} MB" if have else ""))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            _receive(answer, target, have if answer.status == _PARTIAL else 0, note)
    except urllib.error.HTTPError as fault:
        if have and fault.code == _NOT_SATISFIABLE and _total(fault.headers.get("Content-Range", "")) == have:
            return target
        raise PrerequisiteError(f"{address} answered {fault.code} {fault.reason}; try another --from") from None
    except (OSError, http.client.HTTPException) as fault:
        came = target.stat().st_size if target.is_file() else 0
        raise PrerequisiteError(
            f"{address} broke off at {came} bytes: {fault}; the same command continues there, or try another --from"
        ) from None
    return target


def _receive(answer: http.client.HTTPResponse, target: Path, start: int, note: Callable[[str], None]) -> None:
    expected = _expected(answer, start)
    came = start
    with target.open("ab" if start else "wb") as file:
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            came += len(chunk)
            if came // _TOLD_EVERY > (came - len(chunk)) // _TOLD_EVERY:
                note(f"{came >> 20} MB" + (f" of {expected >> 20}" if expected else ""))
    if expected is not None and came < expected:
        raise ConnectionError(f"expected {expected}")


def _expected(answer: http.client.HTTPResponse, start: int) -> int | None:
    """The whole file's size, where the server tells."""
    length = answer.headers.get("Content-Length")
    if start and _total(answer.headers.get("Content-Range", "")) is not None:
        return _total(answer.headers["Content-Range"])
    return start + int(length) if length and length.isdigit() else None


def _total(content_range: str) -> int | None:
    found = re.search(r"/(\d+)$", content_range)
    return int(found.group(1)) if found else None
