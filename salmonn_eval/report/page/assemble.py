"""One HTML file from its parts: templates, styles and scripts of this package, and data that cannot act."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from salmonn_eval.report.page.payload import Payload

STYLES = ("colours", "layout", "cards", "tables", "figures", "samples", "detail", "aligned", "narrow")
SCRIPTS = (
    "make", "data", "theme", "search", "filters", "list", "sounds", "aligned", "scales", "answer", "detail", "keys",
    "start",
)  # fmt: skip
"""Files of `css/` and `js/`, in the order in which they are put together."""
# What would end a script element, open a comment in it, or end a line of JavaScript.
_INERT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def assemble(payload: Payload, held: Mapping[int, bytes], shown: Mapping[str, Any]) -> Iterator[bytes]:
    """The page in chunks of UTF-8.

    Args:
        payload: what the script reads.
        held: encoded sounds that stand in the page, by their place in `payload.sounds`.
        shown: what the template `page.html` shows: see there.
    """
    style, script = _joined("css", STYLES), f'"use strict";\n(() => {{\n{_joined("js", SCRIPTS)}}})();\n'
    environment = Environment(
        loader=PackageLoader("salmonn_eval.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html").render(style=style, policy=policy(style, script), **shown)
    head, mark, tail = page.partition("<!--data-->")
    assert mark
    yield _utf8(head)
    yield b'<script type="application/json" id="data">' + inert_json(payload) + b"</script>\n"
    for place, sound in held.items():
        yield f'<script type="text/plain" id="sound-{place}">'.encode() + base64.b64encode(sound) + b"</script>\n"
    yield f"<script>{script}</script>\n".encode()
    yield _utf8(tail)


def policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: this very style and script, sounds in the page or beside it, nothing else."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "media-src data: 'self' file:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def inert_json(value: object) -> bytes:
    """JSON that may stand in a script element: whatever its texts hold, none of it is mark-up or ends a line."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, which no UTF-8 has: spelled out as \udXXX
        text = json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
    return text.translate(_INERT).encode()


def _joined(kind: str, names: tuple[str, ...]) -> str:
    folder = files("salmonn_eval.report.page") / kind
    return "\n".join((folder / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
