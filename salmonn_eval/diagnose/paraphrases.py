"""Does it matter how a task is worded? The prompt's variance component, and the worst wording beside chance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.estimate import Estimate, mean
from salmonn_eval.diagnose.graded import GradedSet
from salmonn_eval.diagnose.reading import ReadRun
from salmonn_eval.engine.spec import Question
from salmonn_eval.records import Variant
from salmonn_eval.stats.components import component, worst_column
from salmonn_eval.stats.decisions import holm
from salmonn_eval.stats.members import Array, members
from salmonn_eval.stats.randomisation import together
from salmonn_eval.tasks.prompts import template_of
from salmonn_eval.tasks.spec import SeenPrompts

Which = Literal["all", "seen", "unseen"]
FEWEST = 2
FEWEST_UNITS = 5
"""Groups of linked clusters: with fewer there is nothing to hold a difference between wordings against."""
ONE_WORDING = "each task is asked in one wording; ask several with --prompt-set release,paraphrase-1,paraphrase-2,..."


class Wording(Struct, frozen=True):
    """One wording: `seen` is whether the model was trained with it; `g` and `following` are over the same items."""

    prompt_set: str
    seen: bool
    g: float
    following: float


class Spread(Struct, frozen=True):
    """Several wordings of one task, over the same items. All in units of G (fractions).

    `component` is the variance of the prompt, (MS prompt - MS residual) / n; `sd` its root with the interval of F.
    `p` tests for none, `holm` is adjusted over the test sets of a variant. `drop` is how far the `worst` wording lies
    below their mean; where wordings do not differ it is `drop_expected` on average, `drop_most` in 1 of 20 cases, and
    as large as here with probability `drop_p`.
    """

    which: Which
    n_wordings: int
    component: float
    sd: Estimate
    f: float | None
    p: float | None
    worst: str
    drop: float
    drop_expected: float
    drop_most: float
    drop_p: float
    holm: float | None = None


class ParaphraseRow(Struct, frozen=True):
    """One test set under one variant, over the `n` items that every wording has a score of.

    `gap` is G of the seen wordings less that of the unseen ones, paired. `why` says why there are no spreads.
    """

    task: str
    dataset: str
    trained: bool
    variant: Variant
    n: int
    n_left_out: int
    wordings: tuple[Wording, ...]
    spreads: tuple[Spread, ...]
    gap: Estimate
    why: str | None = None


class Paraphrases(Struct, frozen=True):
    """`diagnosis/paraphrases.json`; with `why` alone where each task is asked in one wording."""

    rows: tuple[ParaphraseRow, ...] = ()
    why: str | None = None
    diagnosis: str = "paraphrases"
    schema: int = 1


def paraphrases(run: ReadRun, sets: Sequence[GradedSet]) -> Paraphrases:
    """Every test set that a run asks in several wordings."""
    groups: dict[tuple[str, Variant], list[GradedSet]] = {}
    for graded in sets:
        rest = msgspec.structs.replace(graded.asked.variant, prompt_set="release")
        groups.setdefault((graded.asked.question.name, rest), []).append(graded)
    rows = [_row(run, rest, group) for (_, rest), group in groups.items() if len(group) >= FEWEST]
    return Paraphrases(tuple(_adjusted(rows))) if rows else Paraphrases(why=ONE_WORDING)


def _row(run: ReadRun, rest: Variant, group: Sequence[GradedSet]) -> ParaphraseRow:
    question = group[0].asked.question
    ids, g, followed = _crossed(group)
    clusters = {answer.sample.id: answer.cluster for graded in group for answer in graded.asked.answers}
    kept = [clusters[id_] for id_ in ids]
    names = [graded.asked.variant.prompt_set for graded in group]
    seen = np.array([_seen(run, question, name) for name in names], dtype=np.bool_)
    subsets: Mapping[Which, NDArray[np.bool_]] = {"all": np.ones_like(seen), "seen": seen, "unseen": ~seen}
    wanted = {which: np.flatnonzero(chosen) for which, chosen in subsets.items() if which == "all" or seen.any()}
    both = bool(seen.any() and not seen.all() and len(ids))
    linked = len(np.unique(together(members(kept))))
    enough = linked >= FEWEST_UNITS
    return ParaphraseRow(
        task=question.task.id,
        dataset=question.dataset_id,
        trained=run.trained(question.task.id, question.task.level),
        variant=rest,
        n=len(ids),
        n_left_out=len(clusters) - len(ids),
        wordings=tuple(
            Wording(name, bool(was), float(g[:, place].mean()), float(followed[:, place].mean()))
            for place, (name, was) in enumerate(zip(names, seen, strict=True))
            if len(ids)
        ),
        spreads=tuple(
            _spread(which, g[:, places], [names[place] for place in places], kept)
            for which, places in wanted.items()
            if len(places) >= FEWEST and enough
        ),
        gap=mean(g[:, seen].mean(axis=1) - g[:, ~seen].mean(axis=1), kept, difference=True)
        if both
        else Estimate(why="seen and unseen wordings are not both asked"),
        why=None if enough else f"its items hang together by their clusters, in {linked} groups; needs {FEWEST_UNITS}",
    )


def _crossed(group: Sequence[GradedSet]) -> tuple[list[str], Array, Array]:
    """The items that every wording has a score of, with G and following [items, wordings]."""
    found = []
    for graded in group:
        values = zip(graded.asked.answers, graded.g.tolist(), graded.followed.tolist(), strict=True)
        found.append({answer.sample.id: (g, yes) for answer, g, yes in values if not np.isnan(g)})
    ids = [id_ for id_ in found[0] if all(id_ in one for one in found)]
    both = np.array([[one[id_] for one in found] for id_ in ids], dtype=np.float64).reshape(len(ids), len(found), 2)
    return ids, both[..., 0], both[..., 1]


def _seen(run: ReadRun, question: Question, prompt_set: str) -> bool:
    """Whether a model learned with a wording: one of its training prompts, or the release's own for a trained task."""
    spec = run.state.spec
    if prompt_set.startswith("seen-"):
        return True
    if prompt_set == "release":
        return spec.card.trained_tasks is not None and question.task.id in spec.card.trained_tasks
    template = template_of(question.task, question.dataset, prompt_set, SeenPrompts(spec.seen_prompts))
    return template.casefold() in {one.casefold() for one in spec.seen_prompts.get(question.task.id, ())}


def _spread(which: Which, g: Array, names: Sequence[str], clusters: Sequence[tuple[str, ...]]) -> Spread:
    found, worst = component(g, clusters), worst_column(g, clusters)
    return Spread(
        which=which,
        n_wordings=len(names),
        component=found.variance,
        sd=Estimate(found.sd, found.ci),
        f=found.f,
        p=found.p,
        worst=names[worst.column],
        drop=worst.drop,
        drop_expected=worst.expected,
        drop_most=worst.most,
        drop_p=worst.p,
    )


def _adjusted(rows: Sequence[ParaphraseRow]) -> Iterator[ParaphraseRow]:
    """The rows with their p-values adjusted over the test sets of a variant."""
    families: dict[tuple[Variant, Which], list[float]] = {}
    for row in rows:
        for one in row.spreads:
            families.setdefault((row.variant, one.which), []).extend(() if one.p is None else (one.p,))
    adjusted = {family: iter(holm(values)) for family, values in families.items()}
    for row in rows:
        spreads = (
            one if one.p is None else msgspec.structs.replace(one, holm=next(adjusted[row.variant, one.which]))
            for one in row.spreads
        )
        yield msgspec.structs.replace(row, spreads=tuple(spreads))
