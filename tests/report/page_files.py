"""A report page read as a browser would: its parts, its policy, its data."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

HOSTILE = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 2</script>",
    "</textarea></title></style><img src=x onerror='window.hit = 3'>",
    "<!-- <script> --!> ]]> &lt;b&gt; &amp; <svg/onload=window.hit=4>",
    "| a | b |\n| --- | --- |\n**bold** `code` [link](javascript:window.hit=5)",
    r"\input{/etc/passwd} $x^2$ \end{document} %",
    "line\u2028separator\u2029paragraph\u0000nul \x1b[31mred \u202eevil\u202c {{ 7 * 7 }} ${hit}",
    "__proto__",
)
"""What a model may say to break a page that is careless."""


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[-1][2].append(data)


class PageFile:
    """One page: `elements` are (tag, attributes, text before the next tag)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        parser = _Elements()
        parser.feed(self.source)
        self.elements = [(tag, attributes, "".join(text)) for tag, attributes, text in parser.found]
        self.data: dict[str, Any] = json.loads(self.script("data"))

    def script(self, id_: str) -> str:
        (text,) = (text for tag, attributes, text in self.elements if tag == "script" and attributes.get("id") == id_)
        return text

    def scripts(self) -> list[str]:
        """What a browser would run."""
        return [text for tag, attributes, text in self.elements if tag == "script" and "type" not in attributes]

    def policy(self) -> Mapping[str, list[str]]:
        (text,) = (a["content"] or "" for tag, a, _ in self.elements if tag == "meta" and a.get("http-equiv"))
        return {part.split()[0]: part.split()[1:] for part in text.split("; ")}

    def texts(self, numbers: list[int]) -> list[str]:
        return [self.data["texts"][number] for number in numbers]

    def answers(self) -> list[dict[str, Any]]:
        """Every answer with its sample's set, id and variant, texts looked up."""
        names = "run scale instruction text error finish followed performed score tokens sounds read aligned measures"
        told = []
        for set_, id_, variant, *_, answers in self.data["samples"]:
            for row in answers:
                one = dict(zip(names.split(), row, strict=True))
                for name in ("instruction", "text", "error", "performed", "read"):
                    one[name] = None if one[name] is None else self.data["texts"][one[name]]
                one |= {"set": set_, "id": self.data["texts"][id_], "variant": self.data["texts"][variant]}
                told.append(one)
        return told

    def sound(self, number: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Samples at 16 kHz of a sound, wherever it lies."""
        told = self.data["sounds"][number]
        if told["kind"] == "held":
            encoded = base64.b64decode(self.script(f"sound-{number}"), validate=True)
        else:
            encoded = (self.path.parent / told["file"]).read_bytes()
        samples, rate = soundfile.read(io.BytesIO(encoded), dtype="float32")
        assert rate == 16_000
        return samples


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def visible(source: str) -> str:
    """The mark-up without what stands in scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
