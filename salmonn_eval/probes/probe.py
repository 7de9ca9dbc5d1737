"""`probe`: a model, test sets and a folder; out come the diagnoses that need a model, each as JSON and Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.engine.predict import Progress, Silent
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import creating, read_whole, write_atomic, write_json
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.collapse import collapse
from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.probes.forgetting import forgetting
from salmonn_eval.probes.hallucination import hallucination
from salmonn_eval.probes.likelihood import likelihoods
from salmonn_eval.probes.perplexity import perplexities
from salmonn_eval.probes.selection import selections
from salmonn_eval.probes.settings import settings
from salmonn_eval.probes.text import markdown
from salmonn_eval.records import Variant


class Probing(Struct, frozen=True):
    """What a part is given: the model, what is asked of it, where it may keep things, and who watches."""

    model: Model
    spec: RunSpec
    folder: Path
    progress: Progress

    @property
    def default(self) -> float | None:
        """The model's own scale."""
        return self.model.card.default_lora_scale


class _Identity(Struct, frozen=True):
    spec_hash: str
    model: str


Part = Callable[[Probing], dict[str, list[Finding]]]


def _likelihood(probing: Probing) -> dict[str, list[Finding]]:
    if not probing.model.card.capabilities.logprobs:
        why = f"model `{probing.model.card.name}` gives no log-probabilities"
        names = {"perplexity": "perplexity_instructed", "selection": "contrast"}
        return {part: [_without(probing, name, why)] for part, name in names.items()}
    rows = likelihoods(probing.model, probing.spec, probing.folder / "likelihoods.jsonl", probing.progress)
    return {
        "perplexity": [*perplexities(rows, probing.default), *_no_answers(probing)],
        "selection": list(selections(rows, probing.default)),
    }


def _without(probing: Probing, measure: str, why: str) -> Finding:
    return Finding("all", "all", measure, why=why)


def _no_answers(probing: Probing) -> Iterator[Finding]:
    for question in probing.spec.questions:
        form = settings().answers.get(question.task.id)
        if form and form.why:
            yield Finding(question.task.id, question.dataset_id, "perplexity_instructed", why=form.why)


def _forgetting(probing: Probing) -> dict[str, list[Finding]]:
    found = forgetting(probing.model, probing.spec, probing.folder, probing.progress)
    return {"forgetting": list(found)}


def _hallucination(probing: Probing) -> dict[str, list[Finding]]:
    found = hallucination(probing.model, probing.spec, probing.folder, probing.progress)
    return {"hallucination": list(found)}


def _collapse(probing: Probing) -> dict[str, list[Finding]]:
    return {"collapse_probe": list(collapse(probing.model, probing.spec, probing.folder, probing.progress))}


PARTS: Mapping[str, Part] = {
    "likelihood": _likelihood,
    "forgetting": _forgetting,
    "hallucination": _hallucination,
    "collapse": _collapse,
}
"""The parts by name, in the order in which they are done."""


def probe(
    model: Model, spec: RunSpec, folder: Path, *, parts: Sequence[str] = tuple(PARTS), progress: Progress | None = None
) -> dict[str, Diagnosis]:
    """Ask the model what `spec` names (its test sets, limit and LoRA scales) and write each diagnosis into `folder`.

    A diagnosis is `NAME.json` and `NAME.md`. What was asked before into the same folder is not asked again. Raises
    UsageError for an unknown part and for a folder that holds another probe's answers.
    """
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"there is no probe `{part}`; expected some of {', '.join(PARTS)}")
    spec = _scales_alone(spec)
    _own(folder, _Identity(spec.hash(), model.card.fingerprint))
    probing = Probing(model, spec, folder, progress or Silent())
    found: dict[str, Diagnosis] = {}
    for part in parts:
        for name, findings in PARTS[part](probing).items():
            diagnosis = Diagnosis(name, model.card.name, probing.default, tuple(findings))
            write_json(folder / f"{name}.json", diagnosis)
            write_atomic(folder / f"{name}.md", [markdown(diagnosis).encode()])
            found[name] = diagnosis
    return found


def _scales_alone(spec: RunSpec) -> RunSpec:
    """The specification with its scales, each once: probes have conditions and wordings of their own."""
    scales = dict.fromkeys(variant.lora_scale for variant in spec.variants)
    return replace(spec, variants=tuple(Variant(scale) for scale in scales), not_asked=())


def _own(folder: Path, identity: _Identity) -> None:
    """Mark the folder as this probe's; UsageError where it is another's."""
    mark = folder / "probe.json"
    with creating(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if mark.exists() and read_whole(mark, _Identity, what="probe.json") != identity:
        raise UsageError(f"{folder}: holds the probe of another model or of other tasks; name another folder")
    write_json(mark, identity)


def read_diagnosis(path: Path) -> Diagnosis:
    """One `NAME.json`; UsageError for a file that is none."""
    return read_whole(path, Diagnosis, what="diagnosis")
