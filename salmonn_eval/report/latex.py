"""A wide table as LaTeX with booktabs, and any text as LaTeX that prints it."""

import unicodedata
from collections.abc import Mapping

from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.wide import BRACKETS, Cell, Wide, counts_line, lists


def as_latex(table: Wide) -> str:
    r"""A LaTeX table for `\usepackage{booktabs}`; three header lines: task, test set, metric."""

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return "--"
        number = rf"\textbf{{{latex(cell.text)}}}" if cell.best else latex(cell.text)
        marks = rf"\textsuperscript{{{','.join(map(str, cell.marks))}}}" if cell.marks else ""
        number = rf"\textcolor{{gray}}{{{number}}}" if cell.weak else number
        after = rf" {{\scriptsize {latex(cell.after)}}}" if cell.after else ""
        return number + after + marks

    headings = list(zip(*(column.heading for column in table.columns), strict=True))
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage{xcolor}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        *(rf" & {' & '.join(map(latex, line))} \\" for line in headings),
        r"\midrule",
        *(rf"{latex(row.label)} & {' & '.join(map(shown, row.cells))} \\" for row in table.rows),
        r"\midrule",
        rf"n & {' & '.join(map(latex, counts_line(table)))} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    notes = [rf"\textsuperscript{{{number}}} {latex(note)}" for number, note in enumerate(table.notes, start=1)]
    listed = [latex(f"{heading}: {text}") for heading, texts in lists(table) for text in texts]
    below = [rf"{line}\par" for line in [*notes, latex(BRACKETS), *listed]]
    return "\n".join([*lines, "", r"{\footnotesize\raggedright", *below, "}"]) + "\n"


_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "…": r"\ldots{}",
    ABSENT: "--",
    **{character: f"\\{character}" for character in "&%$#_"},
}


def latex(text: str) -> str:
    """Text that LaTeX prints as it is: no command in it is one, and what pdflatex has no letter for becomes a `?`."""
    made = []
    for character in " ".join(text.split()):
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        made.append(_LATEX.get(character) or "".join(_LATEX.get(letter, letter) for letter in plain) or "?")
    return "".join(letters for letters in made if letters.isprintable()).replace("\\textquotedbl{}", "''")
