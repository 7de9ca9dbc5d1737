"""A sweep over LoRA scales, read off a run: untrained tasks as item values, trained ones as metrics, by scale."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from salmonn_eval.diagnose.crossfit import SweepSums
from salmonn_eval.diagnose.folds import FOLDS, folds, joint_units
from salmonn_eval.diagnose.graded import GradedSet
from salmonn_eval.diagnose.losses import Metric, headline_metrics
from salmonn_eval.diagnose.reading import ReadRun, clip_id
from salmonn_eval.records import Variant
from salmonn_eval.stats.members import Array


class Sweep(Struct, frozen=True, eq=False):
    """One sweep: `scales` in rising order, the default among them; `names` are the untrained sets behind `values`.

    `trained` are the headline metrics of trained tasks, with the unit of each of their items where it is one of the
    untrained sets' (-1: it is not). `left_out` counts untrained items that some scale has no value of.
    """

    scales: tuple[float, ...]
    default: int
    rest: Variant
    names: tuple[tuple[str, str], ...]
    values: SweepSums
    trained: tuple[tuple[Metric, NDArray[np.int64]], ...]
    left_out: int


def sweep_of(run: ReadRun, sets: Sequence[GradedSet]) -> Sweep | str:
    """The sweep of a run under the release's prompts and unchanged audio, or why there is none."""
    plain = [asked for asked in run.variants if (asked.prompt_set, asked.condition) == ("release", "none")]
    variants = {one.lora_scale: one for one in plain if one.lora_scale is not None}
    default = run.state.spec.card.default_lora_scale
    if len(variants) < 2:
        return "the run holds one LoRA scale; ask several with --lora-scale 0,1,2,3,4"
    if default not in variants:
        return f"the model's default scale ({default}) is not among the run's; ask it too with --lora-scale"
    scales = sorted(variants)
    by_set: dict[tuple[str, str], list[GradedSet]] = {}
    for scale in scales:
        for graded in sets:
            if graded.asked.variant == variants[scale]:
                question = graded.asked.question
                by_set.setdefault((question.task.id, question.dataset_id), []).append(graded)
    whole = {name: found for name, found in by_set.items() if len(found) == len(scales)}
    levels = {name: found[0].asked.question.task.level for name, found in whole.items()}
    untrained = {name: found for name, found in whole.items() if not run.trained(name[0], levels[name])}
    if not untrained:
        return "the run asks no task that the model was not trained on"
    return _sweep(scales, scales.index(default), variants[default], untrained, whole)


def _sweep(
    scales: Sequence[float],
    default: int,
    rest: Variant,
    untrained: dict[tuple[str, str], list[GradedSet]],
    whole: dict[tuple[str, str], list[GradedSet]],
) -> Sweep | str:
    tables = [_values(found) for found in untrained.values()]
    firsts = [(".".join(name), found[0].asked.answers) for name, found in untrained.items()]
    units = joint_units(firsts)
    count = 1 + max(int(one.max()) for one in units)
    sums = np.zeros((len(tables), count, len(scales)))
    counts = np.zeros((len(tables), count))
    for place, (table, unit) in enumerate(zip(tables, units, strict=True)):
        kept = ~np.isnan(table).any(axis=1)
        np.add.at(sums[place], unit[kept], table[kept])
        np.add.at(counts[place], unit[kept], 1.0)
    names = tuple(untrained)
    few = [":".join(name) for name, row in zip(names, counts, strict=True) if (row > 0).sum() < FOLDS]
    if few:
        return f"fewer than {FOLDS} independent clusters in {', '.join(few)}: nothing to choose a scale on"
    tasks = list(dict.fromkeys(task for task, _ in names))
    distance = np.abs(np.array(scales) - scales[default])
    number = np.array([tasks.index(task) for task, _ in names], dtype=np.int64)
    values = SweepSums(sums, counts, number, distance, default, folds(counts > 0))
    heard = {
        clip: int(unit)
        for (_, answers), mine in zip(firsts, units, strict=True)
        for answer, unit in zip(answers, mine, strict=True)
        if (clip := clip_id(answer.request))
    }
    trained = []
    for name, found in whole.items():
        if name not in untrained:
            clips = {answer.sample.id: clip_id(answer.request) for answer in found[0].asked.answers}
            for metric in headline_metrics([graded.asked for graded in found]):
                own = [heard.get(clips.get(sample.id) or "", -1) for sample in metric.samples]
                trained.append((metric, np.array(own, dtype=np.int64)))
    left_out = int(sum(np.isnan(table).any(axis=1).sum() for table in tables))
    return Sweep(tuple(scales), default, rest, names, values, tuple(trained), left_out)


def _values(found: Sequence[GradedSet]) -> Array:
    """Followed times (item score - its permuted-audio prior) [n, scales] of the answers of the first scale."""
    ids = [answer.sample.id for answer in found[0].asked.answers]
    columns = []
    for graded in found:
        earned = graded.followed * (graded.own - graded.prior())
        by_id = dict(zip((a.sample.id for a in graded.asked.answers), earned.tolist(), strict=True))
        columns.append([by_id.get(id_, np.nan) for id_ in ids])
    return np.array(columns, dtype=np.float64).T
