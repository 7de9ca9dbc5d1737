"""Systems by tasks: order, bold, seeds, refusals, and every format with hostile names."""

import io
import json
import shutil
import statistics
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from report_values import WER, value

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Interval, MetricValue, Variant
from salmonn_eval.report import formats
from salmonn_eval.report.latex import latex
from salmonn_eval.report.wide import Cell, Seeded, Wide, wide

HOSTILE = r"\input{/etc/passwd} <script>alert(1)</script> a|b **x** $y^2$ 100% #1 & {z}_~ 中"


def other(task: str, metric: str, **changes: object) -> MetricValue:
    return value(task=task, metric=metric, dataset="mini", signature=f"{metric}|v:1", asked=f"{task}.mini", **changes)


def two_systems() -> list[MetricValue]:
    plain = {"unit": "fraction", "better": "higher", "ci": None}
    return [
        other("sac", "answer_accuracy", value=0.5, **plain),
        other("er", "accuracy", value=0.6904, **plain),
        value(),
        other("er", "accuracy", value=0.69, model="b", **plain),
        value(model="b", value=2.1, ci=Interval(1.9, 2.3, "m", 40), n_scored=2600, n_planned=2617),
        value(model="b", reading="followed", value=1.0),
        value(model="b", group="gender=f", value=1.0),
        value(model="b", metric="cer", value=1.0, headline=False),
    ]


def cells(table: Wide, row: int) -> list[Cell | None]:
    return list(table.rows[row].cells)


def test_columns_are_the_headlines_in_the_paper_s_order() -> None:
    table = wide(two_systems())
    assert [(column.task, column.metric) for column in table.columns] == [
        ("asr", "wer"),
        ("er", "accuracy"),
        ("sac", "answer_accuracy"),
    ]
    assert [row.label for row in table.rows] == ["salmonn-7b", "b"]
    assert table.columns[0].heading == ("ASR", "librispeech-test-clean", "WER % ↓")


def test_the_best_of_a_column_is_bold_and_what_prints_alike_ties() -> None:
    table = wide(two_systems())
    assert [cell and cell.best for cell in cells(table, 0)] == [False, True, False]
    assert [cell and cell.best for cell in cells(table, 1)] == [True, True, None]
    assert [cell and cell.text for cell in cells(table, 1)] == ["2.10", "0.690", None]
    assert "**2.10** \\[1.90, 2.30\\]¹" in formats.as_markdown(table)
    assert "b: asr wer: 2600 of 2617 scored" in table.notes
    assert "2600…2617" in formats.as_markdown(table)


def test_seeds_of_one_family_are_one_row() -> None:
    found = [1.5, 2.0, 2.8]
    values = [value(model=f"nano-{seed}", value=number) for seed, number in enumerate(found)]
    seeds = {f"nano-{seed}": Seeded("nano", seed) for seed in range(3)}
    table = wide([*values, value(model="other", value=2.05)], seeds={**seeds, "other": Seeded("other", 0)})
    assert [row.label for row in table.rows] == ["nano", "other"]
    (mean,), (single,) = (row.cells for row in table.rows)
    assert mean is not None and single is not None
    assert mean.value == pytest.approx(statistics.fmean(found)) and mean.sd == pytest.approx(statistics.stdev(found))
    assert (mean.text, mean.spread) == ("2.10", "± 0.66 (3 seeds)")
    assert single.spread == "[8.90, 11.70]"


def test_seeds_of_decoding_are_one_row() -> None:
    values = [value(variant=Variant(seed=seed), value=float(seed)) for seed in (1, 2)]
    (row,) = wide(values).rows
    assert row.cells[0] is not None and (row.cells[0].text, row.cells[0].spread) == ("1.50", "± 0.71 (2 seeds)")


def test_a_sweep_has_a_row_a_variant() -> None:
    values = [value(variant=Variant(lora_scale=scale)) for scale in (0.0, 4.0)]
    assert [row.label for row in wide(values).rows] == ["salmonn-7b (scale 0)", "salmonn-7b (scale 4)"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signature": "wer|norm:plain.1|agg:corpus|empty-ref:ins|v:1"}, "scored norm:whisper-en.1 for salmonn-7b but"),
        ({"asked": "a2"}, "asked a1 for salmonn-7b but a2 for b"),
    ],
)
def test_a_column_mixes_nothing_unless_told_and_then_marks_it(change: dict[str, str], told: str) -> None:
    values = [value(), value(model="b", value=2.0, **change)]
    with pytest.raises(UsageError, match=told):
        wide(values)
    table = wide(values, mixed=True)
    assert table.rows[1].cells[0] is not None and table.rows[1].cells[0].marks == (1,)
    assert table.notes[0].startswith("b: ") and table.notes[0].endswith("not comparable")


def test_what_is_unknown_stands_beside_and_is_marked() -> None:
    table = wide([value(), value(model="paper", asked="unknown", signature="unknown", value=2.1, ci=None)])
    assert table.notes == ("paper: how it was asked and scored is unknown",)


def test_twice_the_same_cell_or_two_units_are_refused() -> None:
    with pytest.raises(UsageError, match="two values"):
        wide([value(), value()])
    with pytest.raises(UsageError, match="one column holds one unit"):
        wide([value(), value(model="b", unit="fraction")])
    with pytest.raises(UsageError, match="no headline"):
        wide([value(headline=False)])


def hostile() -> Wide:
    return wide([value(model=HOSTILE, system=HOSTILE), value(model="b", value=None, status="missing", why=HOSTILE)])


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_names_as_text() -> None:
    page = Tags()
    page.feed(formats.as_html(hostile()))
    table = {"table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert page.seen <= table | {"br", "strong", "span", "small", "sup", "ol", "li", "p", "ul"}
    assert HOSTILE in page.text


def test_markdown_keeps_its_cells() -> None:
    lines = [line for line in formats.as_markdown(hostile()).splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert bars == {3}
    assert "<script" not in formats.as_markdown(hostile()).replace("\\<", "")


def test_frames_come_back_as_they_were() -> None:
    table = wide(two_systems())
    back = pd.read_csv(io.StringIO(formats.formatted("csv", table)))
    assert list(back["value"]) == [10.270871845172973, 0.6904, 0.5, 2.1, 0.69]
    assert back["ci_high"][3] == 2.3 and back["signature"][0] == WER
    rows = json.loads(formats.formatted("json", hostile()))
    assert (rows[0]["system"], rows[1]["value"], rows[1]["status"]) == (HOSTILE, None, "missing")


def test_latex_is_text_only() -> None:
    made = latex(HOSTILE)
    assert made.startswith(r"\textbackslash{}input\{/etc/passwd\} \textless{}script")
    assert made.endswith(r"\& \{z\}\_\textasciitilde{} ?")
    assert formats.as_latex(wide(two_systems())).count(r"\textbf{") == 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (Debian: texlive-latex-recommended)")
def test_latex_compiles(tmp_path: Path) -> None:
    body = formats.as_latex(hostile()) + "\n\\bigskip\n" + formats.as_latex(wide(two_systems()))
    page = "\\documentclass{article}\n\\usepackage{booktabs,xcolor}\n\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(page, encoding="utf-8")
    words = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "root:" not in done.stdout and (tmp_path / "table.pdf").stat().st_size > 1000
