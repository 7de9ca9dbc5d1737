"""What a check of definitions and data found, with the place to mend."""

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One fault (`error`) or remark (`note`) about a file; `line` counts from 1, None where no line is to blame."""

    file: str
    line: int | None
    message: str
    level: Literal["error", "note"] = "error"

    def __str__(self) -> str:
        """`file:line: message`, the form editors jump to."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"
