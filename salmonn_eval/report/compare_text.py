"""A comparison in words and numbers: for the terminal, and as Markdown."""

from collections.abc import Iterator, Sequence

from salmonn_eval.records import Interval
from salmonn_eval.report.cells import UNIT_MARK, fill, number, shorten, variant_name
from salmonn_eval.report.comparison import Compared, Comparison
from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.listing import aligned, escape, markdown

HEADERS = ("", "A", "B", "A − B", "95 % interval", "p", "Holm", "detectable", "better", "worse", "n")  # noqa: RUF001
LEGEND = (
    "p: would exchanging whole clusters make as large a difference? Holm: adjusted over a headline metric a test set. "
    "detectable: the smallest true difference that these data would likely show. better, worse: samples that A answers "
    "better or worse than B. n: pairs scored on both sides."
)


def text(found: Comparison, *, flips: int = 5, columns: int = 100) -> str:
    """The comparison for a terminal of `columns`, with the `flips` largest changes of every metric."""
    out = [f"A: {found.a}", f"B: {found.b}", ""]
    out += [*aligned(HEADERS, [cells(row) for row in found.rows]), ""]
    for row in found.rows:
        if row.group is None and flips and row.flips:
            out += [f"{_where(row)}: {row.better} better, {row.worse} worse", *_told(row, flips, columns), ""]
    for note in notes(found):
        out += fill(note, columns, "  ")
    return "\n".join([*out, *fill(LEGEND, columns)]) + "\n"


def as_markdown(found: Comparison, *, flips: int = 5) -> str:
    """The same in Markdown; answers are shown as text, whatever they hold."""
    out = [f"**A**: {escape(found.a)}  ", f"**B**: {escape(found.b)}", ""]
    out += [markdown(HEADERS, [cells(row) for row in found.rows]), ""]
    for row in found.rows:
        if row.group is None and flips and row.flips:
            out += [f"{escape(_where(row))}: {row.better} better, {row.worse} worse", ""]
            changed = [
                (flip.sample_id, f"{flip.a:.4g}", f"{flip.b:.4g}", flip.text_a or ABSENT, flip.text_b or ABSENT)
                for flip in row.flips[:flips]
            ]
            out += [markdown(("sample", "A", "B", "answer of A", "answer of B"), changed, n_left=5), ""]
    out += [f"- {escape(note)}" for note in notes(found)]
    return "\n".join([*out, "", LEGEND]) + "\n"


def _where(row: Compared) -> str:
    names = [variant_name(variant) for variant in (row.variant_a, row.variant_b)]
    variant = f" ({names[0]})" if names[0] and names[0] == names[1] else ""
    return f"{row.task}:{row.dataset} {row.metric}{variant}"


def cells(row: Compared) -> tuple[str, ...]:
    """One row of the table under `HEADERS`."""
    arrow = "↓" if row.better_is == "lower" else "↑"
    name = f"{_where(row)}{UNIT_MARK[row.unit]} {arrow}" if row.group is None else f"  {row.group}"
    gap = row.difference

    def told(value: float | None, sign: bool = False) -> str:
        plus = "+" if sign and value is not None and value > 0 else ""
        return ABSENT if value is None else plus + number(value, row.unit)

    return (
        name,
        told(row.a),
        told(row.b),
        told(gap.value, sign=True),
        span(gap.ci, row.unit),
        p_value(gap.chance.p),
        p_value(row.holm),
        told(gap.detectable or None),  # nothing varied: nothing is known of what could be found
        str(row.better),
        str(row.worse),
        str(row.n),
    )


def span(interval: Interval | None, unit: str) -> str:
    """`[−1.20, 0.35]`; a dash where there is none."""  # noqa: RUF002
    if interval is None:
        return ABSENT
    return f"[{number(interval.low, unit)}, {number(interval.high, unit)}]"


def p_value(p: float | None) -> str:
    """Three decimals; what rounds to nothing is below .001."""
    if p is None:
        return ABSENT
    return "<.001" if p < 0.001 else f"{p:.3f}"


def _told(row: Compared, flips: int, columns: int) -> Iterator[str]:
    for flip in row.flips[:flips]:
        yield f"  {flip.sample_id}: A {flip.a:.4g}, B {flip.b:.4g}"
        for side, answer in (("A", flip.text_a), ("B", flip.text_b)):
            yield shorten(f"    {side}: {_line(answer)}", columns)


def _line(answer: str | None) -> str:
    """An answer as one printable line: no control character reaches the terminal."""
    if answer is None:
        return ABSENT
    return "".join(c if c.isprintable() else " " for c in " ".join(answer.split()))


def notes(found: Comparison) -> Sequence[str]:
    """What must be known beside the table: remarks, lost samples, cautions, sets of one side only."""
    kept: dict[str, None] = dict.fromkeys(found.notes)
    for row in found.rows:
        where = f"{_where(row)}{f' {row.group}' if row.group else ''}"
        kept.update(dict.fromkeys(f"{row.task}:{row.dataset}: {note}" for note in row.notes))
        if row.lost_a or row.lost_b:
            kept[f"{where}: {row.lost_a} scored for B only, {row.lost_b} for A only, left out of the pairs"] = None
        if row.mcnemar is not None and row.group is None:
            kept[f"{where}: exact McNemar p {p_value(row.mcnemar)}"] = None
        if row.difference.ci is not None and row.difference.ci.caution and row.group is None:
            kept[f"{where}: {row.difference.ci.caution}"] = None
    for side, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            kept[f"only in {side}: {', '.join(names)}"] = None
    return tuple(kept)
