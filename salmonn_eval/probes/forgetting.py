"""Where over-fitting comes from: {audio, its text} by {adapter on, off}, and the model as its own cascade."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import ask, items
from salmonn_eval.probes.cascade import Cascade
from salmonn_eval.probes.finding import Estimate, Finding
from salmonn_eval.probes.gain import gains
from salmonn_eval.probes.settings import rival_of, settings
from salmonn_eval.records import Request, Variant
from salmonn_eval.scorers.ratio import each_once, ratio

AUDIO_ON, AUDIO_OFF, TEXT_ON, TEXT_OFF, CASCADE = "audio_on", "audio_off", "text_on", "text_off", "cascade"
DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "forgetting": (TEXT_OFF, TEXT_ON),
    "modality_loss": (AUDIO_ON, TEXT_ON),
    "adapter_effect": (AUDIO_ON, AUDIO_OFF),
    "cascade_gap": (AUDIO_ON, CASCADE),
}
"""Differences of G, the second taken from the first, on the same samples."""

Cells = dict[str, dict[str, float]]
Clusters = dict[str, tuple[str, ...]]


def forgetting(model: Model, spec: RunSpec, folder: Path, progress: Progress) -> Iterator[Finding]:
    """G in each cell and the differences, for test sets whose answer follows from the text of their audio."""
    default = model.card.default_lora_scale
    if default is None or not model.card.capabilities.text:
        lacks = "no adapter" if default is None else "no way to read text in place of audio"
        yield Finding("all", "all", "forgetting", why=f"model `{model.card.name}` has {lacks}")
        return
    writing: dict[tuple[str, str, str], str] = {}
    told: list[Question] = []
    for question in spec.questions:
        if (why := _unfit(spec, question, writing)) is None:
            told.append(question)
        else:
            yield Finding(question.task.id, question.dataset_id, "forgetting", why=why)
    if not told:
        return
    variants = tuple(Variant(scale, condition=condition) for scale in (0.0, default) for condition in ("none", "text"))
    run = ask(model, spec, tuple(told), variants, folder / "answers-text", progress)

    def write_down(request: Request) -> str:
        return writing[request.task, request.dataset, request.sample_id]

    cascade = Cascade(model, write_down)
    second = ask(cascade, spec, tuple(told), (Variant(0.0),), folder / "answers-cascade", progress)
    found = gains(run) | gains(second)
    for question in told:
        yield from _findings(question, *_cells(run, second, question, found))


def _unfit(spec: RunSpec, question: Question, writing: dict[tuple[str, str, str], str]) -> str | None:
    """Why a test set has no place in this table; where it has one, how each clip is written down goes to `writing`."""
    if question.task.id in settings().text_lacks:
        return settings().text_lacks[question.task.id]
    for sample in Planner(spec, question).samples():
        rival = rival_of(sample)
        if rival is None or not sample.clips:
            return f"sample {sample.id!r} has no audio, or neither transcript nor caption"
        writing[question.task.id, question.dataset_id, sample.id] = rival.instruction
    return None


def _cells(
    run: RunDirectory, cascade: RunDirectory, question: Question, found: Mapping[str, float]
) -> tuple[Cells, Clusters]:
    """G by cell and sample; `found` has it by request key."""
    cells: Cells = {name: {} for name in (AUDIO_ON, AUDIO_OFF, TEXT_ON, TEXT_OFF, CASCADE)}
    clusters: Clusters = {}
    for one in (run, cascade):
        for item in items(one, question.name):
            request = item.row.request
            heard = "text" if request.variant.condition == "text" else "audio"
            name = CASCADE if one is cascade else f"{heard}_{'on' if request.variant.lora_scale else 'off'}"
            clusters[item.sample.id] = item.sample.cluster
            if request.key in found:
                cells[name][item.sample.id] = found[request.key]
    return cells, clusters


def _findings(question: Question, cells: Cells, clusters: Clusters) -> Iterator[Finding]:
    where = {"task": question.task.id, "dataset": question.dataset_id}
    for name, cell in cells.items():
        mean = Estimate(f"g_{name}", ratio, lowest=0.0, highest=1.0)
        yield mean.finding(where, each_once(list(cell.values())), [clusters[id_] for id_ in cell])
    for name, (one, other) in DIFFERENCES.items():
        both = [id_ for id_ in cells[one] if id_ in cells[other]]
        stats = each_once([cells[one][id_] - cells[other][id_] for id_ in both])
        yield Estimate(name, ratio, lowest=-1.0, highest=1.0).finding(where, stats, [clusters[id_] for id_ in both])
