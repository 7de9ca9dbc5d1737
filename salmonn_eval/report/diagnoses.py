"""Diagnoses as tables: for a terminal, and as Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from salmonn_eval.diagnose.activation import Activation, Effect
from salmonn_eval.diagnose.collapse import Collapse
from salmonn_eval.diagnose.confusion import Confusion, ConfusionRow
from salmonn_eval.diagnose.error_share import ErrorShare
from salmonn_eval.diagnose.estimate import Estimate
from salmonn_eval.diagnose.following import Following
from salmonn_eval.diagnose.hearing import Hearing
from salmonn_eval.diagnose.overfitting import Overfitting, ScaleRow
from salmonn_eval.diagnose.paraphrases import ParaphraseRow, Paraphrases, Spread
from salmonn_eval.records import Variant
from salmonn_eval.report.cells import UNIT_MARK, fill, number, variant_name
from salmonn_eval.report.compare_text import p_value
from salmonn_eval.report.grid import ABSENT
from salmonn_eval.report.listing import Rows, aligned, escape, markdown


class Section(Struct, frozen=True):
    """One table with a title above and notes below."""

    title: str
    headers: Sequence[str]
    rows: Rows
    notes: Sequence[str] = ()


def text(sections: Sequence[Section], columns: int = 100) -> str:
    """Sections for a terminal of `columns`."""
    out: list[str] = []
    for section in sections:
        table = aligned(section.headers, section.rows) if section.rows else []
        notes = [line for note in section.notes for line in fill(note, columns, "  ")]
        out += [section.title, *table, *notes, ""]
    return "\n".join(out)


def as_markdown(sections: Sequence[Section]) -> str:
    """Sections in Markdown; sample ids and whatever else a run holds are shown as text."""
    out: list[str] = []
    for section in sections:
        out += [f"## {escape(section.title)}", ""]
        out += [markdown(section.headers, section.rows), ""] if section.rows else []
        out += [*(f"- {escape(note)}" for note in section.notes), ""]
    return "\n".join(out).rstrip() + "\n"


def told(found: Estimate, percent: bool = False, signed: bool = False) -> str:
    """`0.420 [0.310, 0.530]`; a dash where there is no value."""
    if found.value is None:
        return ABSENT
    unit, factor = ("percent", 100) if percent else ("fraction", 1)
    plus = "+" if signed and found.value > 0 else ""
    ends = f" [{number(factor * found.ci.low, unit)}, {number(factor * found.ci.high, unit)}]" if found.ci else ""
    return f"{plus}{number(factor * found.value, unit)}{ends}"


def share(value: float | None, percent: bool = False) -> str:
    """A bare number, or a dash."""
    return told(Estimate(value), percent)


def where(task: str, dataset: str, variant: Variant) -> str:
    """`asr:mini scale 4`."""
    return " ".join(part for part in (f"{task}:{dataset}", variant_name(variant)) if part)


def following_sections(found: Following) -> Iterator[Section]:
    """Following and G."""
    rows = [
        (
            where(row.task, row.dataset, row.variant),
            "trained" if row.trained else "untrained",
            told(row.following),
            told(row.g),
            share(row.prior),
            f"{row.n - row.n_ungraded}/{row.n + row.n_error}",
            str(row.n_undetermined),
        )
        for row in found.rows
    ]
    notes = [
        "G: mean of followed times item score. permuted: G if every answer belonged to another clip under the same "
        "instruction. n: graded of planned. undetermined: answers that the following rule cannot judge, counted as not "
        "followed."
    ]
    notes += [
        f"{where(row.task, row.dataset, row.variant)}: G between {share(row.g_bounds[0])} and {share(row.g_bounds[1])} "
        "as the undetermined are counted"
        for row in found.rows
        if row.g_bounds and row.g_bounds[1] - row.g_bounds[0] >= 0.0005
    ]
    headers = ("", "", "following", "G", "permuted", "n", "undetermined")
    yield Section("Following and G", headers, rows, notes)


def confusion_sections(found: Confusion) -> Iterator[Section]:
    """Asked by performed, the classes that occur."""
    names = [cell.performed for cell in found.rows[0].cells] if found.rows else []
    seen = [name for place, name in enumerate(names) if any(row.cells[place].n for row in found.rows)]
    shown = [row for row in found.rows if any(cell.n for cell in row.cells[1:])]
    rows = [(where(row.task, row.dataset, row.variant), *_counts(row, seen), str(row.n)) for row in shown]
    clean = len(found.rows) - len(shown)
    notes = [f"{clean} further rows: every answer is as asked"] if clean else []
    lacking = {
        f"{row.task}:{row.dataset}: {cell.performed} {cell.why}" for row in found.rows for cell in row.cells if cell.why
    }
    untestable = sorted({text.split(": ", 1)[1] for text in lacking})
    notes += [f"{why} ({sum(text.endswith(why) for text in lacking)} test sets)" for why in untestable]
    if shown:
        notes.insert(0, "Answers by performed task; shares with intervals that hold at once are in confusion.json.")
    yield Section("Asked and performed task", ("", *seen, "n"), rows, notes)


def _counts(row: ConfusionRow, names: Sequence[str]) -> Iterator[str]:
    cells = {cell.performed: cell for cell in row.cells}
    return (ABSENT if cells[name].why else str(cells[name].n) for name in names)


def error_sections(found: ErrorShare) -> Iterator[Section]:
    """Shares of the errors by performed class."""
    rows = [
        (
            f"{where(row.task, row.dataset, row.variant)} {row.metric}{_norm(row.signature)}",
            one.performed,
            f"{one.n}/{row.n}",
            share(row.rate and row.rate / 100, percent=True),
            share(one.rate_without and one.rate_without / 100, percent=True),
            share(one.share, percent=True),
            told(one.excess, percent=True),
            share(one.share_capped, percent=True),
            told(one.excess_capped, percent=True),
        )
        for row in found.rows
        for one in row.shares
    ]
    headers = ("", "performed", "answers", "rate %", "without %", "share %", "A_u %", "capped share", "capped A_u")
    notes = [
        "share: of all errors, those in answers of this class. A_u: of them what exceeds the rate of as-asked answers. "
        "capped: at most as many errors an answer as it has reference units."
    ]
    why = {one.excess.why for row in found.rows for one in row.shares if one.excess.why}
    yield Section("Error share", headers, rows, notes + sorted(why) if rows else ["no errors of answers not as asked"])


def _norm(signature: str) -> str:
    parts = dict(part.partition(":")[::2] for part in signature.split("|"))
    kind = parts.get("norm") or parts.get("phones")
    return f" ({kind})" if kind else ""


def hearing_sections(found: Hearing) -> Iterator[Section]:
    """H and its p-value."""
    rows = [
        (
            where(row.task, row.dataset, row.variant),
            *(share(value) for value in (row.real, row.permuted, row.perfect)),
            told(row.h),
            p_value(row.p),
            p_value(row.holm),
            f"{row.n}/{row.n_sampled}",
        )
        for row in found.rows
    ]
    notes = [
        "H = (real - permuted) / (perfect - permuted): 1 hears, 0 does not. p: would answers exchanged between clips "
        "under one instruction score as well (9,999 permutations)? Holm: over the test sets of a variant.",
        *sorted({f"no H: {row.h.why}" for row in found.rows if row.h.why}),
    ]
    yield Section("Hearing", ("", "real", "permuted", "perfect", "H", "p", "Holm", "n"), rows, notes)


def collapse_sections(found: Collapse) -> Iterator[Section]:
    """K for transcripts and captions."""
    kept = [row for row in found.rows if row.n]
    rows = [
        (
            where(row.task, row.dataset, row.variant),
            row.instead,
            told(row.k),
            share(row.k_chance.value),
            ABSENT if row.tau is None else f"{row.tau:.0f}",
            f"{row.n}/{row.n_answers}",
        )
        for row in kept
    ]
    notes = [
        "K: share of answers closer than max(tau, 75) chrF to the same model's own answer about the same clip to the "
        "other instruction. above tau: closer than answers about different clips are in 1 of 100. n: answers that have "
        "another one about their clip.",
        *sorted({f"no K: {row.k.why}" for row in kept if row.k.why}),
    ]
    lacking = len({(row.task, row.dataset) for row in found.rows} - {(row.task, row.dataset) for row in kept})
    if lacking:
        notes.append(f"not testable: the run holds no transcription or caption of the clips of {lacking} test sets")
    yield Section("Collapse", ("", "to its", "K", "above tau", "tau", "n"), rows, notes if found.rows else ())


def paraphrase_sections(found: Paraphrases) -> Iterator[Section]:
    """How much the wording matters, and the worst one beside chance."""
    if found.why is not None:
        yield Section("Paraphrases", ("",), (), [f"not testable: {found.why}"])
        return
    rows = [_spread(row, one) for row in found.rows for one in row.spreads]
    headers = ("", "wordings", "sd", "p", "Holm", "worst", "drop", "no effect: mean", "95 %", "p of drop", "n")
    notes = [
        "sd: of G between wordings, beyond what items explain, with the interval of F. drop: how far the worst wording "
        "lies below the mean of all, beside what it is where wordings do not differ (2,000 exchanges within clusters).",
        *(
            f"{where(row.task, row.dataset, row.variant)}: G of seen less unseen wordings {told(row.gap, signed=True)}"
            for row in found.rows
            if row.gap.value is not None
        ),
    ]
    notes += [f"{where(row.task, row.dataset, row.variant)}: {row.why}" for row in found.rows if row.why]
    left_out = sum(row.n_left_out for row in found.rows)
    notes += [f"{left_out} items without a score under every wording are left out"] if left_out else []
    yield Section("Paraphrases", headers, rows, notes)


def _spread(row: ParaphraseRow, one: Spread) -> tuple[str, ...]:
    return (
        where(row.task, row.dataset, row.variant),
        f"{one.which} {one.n_wordings}",
        told(one.sd),
        p_value(one.p),
        p_value(one.holm),
        one.worst,
        share(one.drop),
        share(one.drop_expected),
        share(one.drop_most),
        p_value(one.drop_p),
        str(row.n),
    )


def activation_sections(found: Activation) -> Iterator[Section]:
    """What activation did to groups of tasks, to each, and to the headline metrics."""
    changes = ("before", "after", "control", "after \u2212 before", "control \u2212 before", "after \u2212 control")
    groups = [
        (f"{one.group} ({len(one.tasks)})", *_effect(one.g, "fraction"), str(one.n_units)) for one in found.groups
    ]
    notes = [
        f"before: {found.before}; after: {found.after}; control: {found.control}; activated on {found.activated}. Mean "
        "G over tasks of equal weight, at each model's own scale; n: independent clusters, which are resampled.",
        *(f"{name}: not in all three runs" for name in found.only_some),
    ]
    yield Section("Activation: G by group of tasks", ("tasks", *changes, "n"), groups, notes)
    rows = [
        (f"{row.task}:{row.dataset} {name}", *_effect(effect, "fraction"), str(row.n))
        for row in found.rows
        for name, effect in (("G", row.g), ("following", row.following))
    ]
    left_out = sum(row.n_left_out for row in found.rows)
    notes = [f"{left_out} items without a score in all three runs are left out"] if left_out else []
    yield Section("Activation: G and following by test set", ("", *changes, "n"), rows, notes)
    metrics = [
        (
            f"{row.task}:{row.dataset} {one.metric}{UNIT_MARK[one.unit]} {'↓' if one.better == 'lower' else '↑'}",
            *_effect(one.effect, one.unit),
            str(one.n),
        )
        for row in found.rows
        for one in row.metrics
    ]
    yield Section("Activation: the columns of the paper's Table 3", ("", *changes, "n"), metrics, ())


def _effect(found: Effect, unit: str) -> Iterator[str]:
    for value in (found.before, found.after, found.control):
        yield ABSENT if value is None else number(value, unit)
    for gap in (found.change, found.control_change, found.beyond):
        if gap.value is None:
            yield ABSENT
        else:
            ends = f" [{number(gap.ci.low, unit)}, {number(gap.ci.high, unit)}]" if gap.ci else ""
            yield f"{'+' if gap.value > 0 else ''}{number(gap.value, unit)}{ends}"


def overfitting_sections(found: Overfitting) -> Iterator[Section]:
    """The index, and the scales with what they cost."""
    if found.index is None or found.candidate_gain is None:
        yield Section("Over-fitting index and recommended scale", ("",), (), [f"not testable: {found.why}"])
        return
    gains = [(one.task, told(Estimate(one.gain), signed=True)) for one in found.by_task]
    folds = ", ".join(f"{scale:g}" for scale in found.chosen)
    left = f"; {found.n_left_out} items without a value at every scale are left out" if found.n_left_out else ""
    yield Section(
        "Over-fitting index",
        ("untrained task", "gain"),
        [*gains, ("index", told(found.index, signed=True))],
        [
            f"G less its permuted-audio prior at the scale best for untrained tasks, less that at the default scale "
            f"{found.default:g}; cross-fitted over {len(found.chosen)} folds of {found.n_units} units, which chose the "
            f"scales {folds}{left}."
        ],
    )
    rows = [
        (
            f"{row.scale:g}" + (" (default)" if row.scale == found.default else ""),
            told(Estimate(row.g, row.g_ci)),
            share(row.largest_loss, percent=True),
            share(row.largest_bound, percent=True),
            "yes" if row.allowed else "no",
            "yes" if row.proven else ABSENT if row.scale == found.default else "no",
            f"{row.candidate_frequency:.0%}",
            f"{row.proven_frequency:.0%}",
        )
        for row in found.scales
    ]
    headers = ("scale", "G untrained", "worst loss %", "bound %", "allowed", "proven", "candidate in", "best proven in")
    most = f"{100 * found.most_loss:g} %"
    proven = found.verdict if found.proven is None else f"scale {found.proven:g}"
    yield Section(
        "Recommended scale",
        headers,
        rows,
        [
            f"candidate: scale {found.candidate:g} (gain {told(found.candidate_gain, signed=True)}): the best whose "
            f"loss on every trained metric is at most {most}.",
            f"proven: {proven}. Proven means that every loss's one-sided upper 95 % bound is at most {most}, at this "
            "scale and at those between it and the default.",
            *(f"scale {row.scale:g} costs most on {_worst(row)}" for row in found.scales if row.scale != found.default),
        ],
    )


def _worst(row: ScaleRow) -> str:
    if not row.losses:
        return "nothing: no trained task was asked"
    worst = max(row.losses, key=lambda one: one.loss)
    values = f"{worst.value:.4g} against {worst.default:.4g}"
    return f"{worst.task}:{worst.dataset} {worst.metric} ({values})"


SECTIONS: Mapping[type, Callable[..., Iterator[Section]]] = {
    Following: following_sections,
    Confusion: confusion_sections,
    ErrorShare: error_sections,
    Collapse: collapse_sections,
    Hearing: hearing_sections,
    Paraphrases: paraphrase_sections,
    Overfitting: overfitting_sections,
    Activation: activation_sections,
}


def sections(diagnosis: object) -> list[Section]:
    """The tables of one diagnosis."""
    return list(SECTIONS[type(diagnosis)](diagnosis))
