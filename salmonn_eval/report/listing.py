"""A plain table: aligned for a terminal, or as Markdown."""

from collections.abc import Sequence

from salmonn_eval.report.cells import pad, width

Rows = Sequence[Sequence[str]]


def aligned(headers: Sequence[str], rows: Rows, n_left: int = 1, gap: str = "  ") -> list[str]:
    """Lines with columns padded to their widest cell, the first `n_left` aligned to the left."""
    widths = [max(width(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    return [
        gap.join(
            pad(cell, columns, right=index >= n_left)
            for index, (cell, columns) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (headers, *rows)
    ]


def markdown(headers: Sequence[str], rows: Rows, n_left: int = 1) -> str:
    """A Markdown table (GitHub's pipes); cells are escaped, so that no text ends its cell or its row."""
    from tabulate import tabulate

    table: str = tabulate(
        [[escape(cell) for cell in row] for row in rows],
        [escape(cell) for cell in headers],
        tablefmt="pipe",
        colalign=tuple("left" if index < n_left else "right" for index in range(len(headers))) if rows else None,
        disable_numparse=True,
    )
    return table


def escape(text: str) -> str:
    """Text as one line of a Markdown cell in which nothing is mark-up: pipes, HTML, backticks, links, emphasis."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    for character in "\\`*_[]<>|":
        line = line.replace(character, f"\\{character}")
    return line
