"""What every diagnosis makes of every mutant: a healthy model with one fault planted.

    python benchmarks/mutants.py --work FOLDER      # goes on where it stopped; the folder holds runs and probes

A cell is `flagged/testable` test sets. What counts as flagged is in `PROBES` and `FROM_ANSWERS`, one rule a diagnosis,
fixed before any mutant was looked at. The healthy model's row is the false alarms. The table is written into
`docs/diagnostics/mutants.md`.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from measure import report, salmonn_eval
from msgspec.structs import replace

from salmonn_eval.api.compose import spec_from
from salmonn_eval.api.evaluate import evaluate
from salmonn_eval.canonical import fingerprint
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import AudioSource, Model
from salmonn_eval.probes.finding import Finding
from salmonn_eval.probes.mutants import FAULTS, Deafened, Mutant
from salmonn_eval.probes.probe import probe
from salmonn_eval.records import Prediction, Request, TokenLogprobs, Variant

TASKS = "asr,en2zh,sv,aqa,en2de,en2ja,sf,story:mini-speech"
HEALTHY = "healthy"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "diagnostics" / "mutants.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
Flag = bool | None
"""Whether a test set is flagged; None: not testable."""


def _upper(bound: float) -> Callable[[Finding], Flag]:
    """Flagged where the interval's upper end lies below a bound."""
    return lambda finding: None if finding.ci is None else finding.ci.high < bound


def _lower(bound: float) -> Callable[[Finding], Flag]:
    return lambda finding: None if finding.ci is None else finding.ci.low > bound


PROBES: Mapping[str, tuple[str, str, Callable[[Finding], Flag]]] = {
    "contrast near chance": ("selection", "contrast", _upper(0.75)),
    "does not decide": ("selection", "decides", _upper(0.5)),
    "rival wins": ("selection", "rival_wins", _lower(0.5)),
    "collapses to transcript": ("collapse_probe", "collapse_transcript", _lower(0.5)),
    "collapses to caption": ("collapse_probe", "collapse_caption", _lower(0.5)),
    "unchanged by silence": ("hallucination", "unchanged", _lower(0.5)),
}
"""Column: diagnosis, measure, and the rule on a finding of it."""


def _followed(row: Mapping[str, Any]) -> Flag:
    value = row.get("following")
    value = value.get("value") if isinstance(value, dict) else value
    return None if value is None else value < 0.5


def _other_class(row: Mapping[str, Any]) -> Flag:
    """A class other than the asked one has a share whose simultaneous interval lies above a tenth."""
    cells = [cell for cell in row["cells"] if cell["performed"] != "as asked" and cell.get("ci")]
    return any(cell["ci"]["low"] > 0.1 for cell in cells)


def _not_heard(row: Mapping[str, Any]) -> Flag:
    return None if row.get("holm") is None else row["holm"] > 0.05


FROM_ANSWERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Flag]]] = {
    "following below half": ("following", _followed),
    "performs another task": ("confusion", _other_class),
    "hearing not shown": ("hearing", _not_heard),
}
"""Column: diagnosis of `diagnose RUN`, and the rule on one of its rows."""


class Remembering:
    """A model that is asked everything once: mutants share most of their answers with the healthy model."""

    def __init__(self, model: Model) -> None:
        self.card = model.card
        self._model = model
        self._answers: dict[str, Prediction] = {}

    def generate(self, requests: Iterable[Request], audio: AudioSource) -> Iterator[Prediction]:
        """Kept answers at once, new ones as the model gives them."""
        kept: list[Prediction] = []
        names: dict[str, str] = {}

        def new() -> Iterator[Request]:
            for request in requests:
                names[request.key] = self._name(request, audio)
                if names[request.key] in self._answers:
                    kept.append(replace(self._answers[names[request.key]], key=request.key))
                else:
                    yield request

        for prediction in self._model.generate(new(), audio):
            self._answers[names[prediction.key]] = prediction
            yield prediction
        yield from kept

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        """Asked anew."""
        return self._model.logprobs(requests, continuations, audio)

    def _name(self, request: Request, audio: AudioSource) -> str:
        deaf = isinstance(audio, Deafened)
        return fingerprint(
            [request.instruction, request.clips, request.variant, request.generation, request.text, deaf]
        )


def measured(model: Model, folder: Path, limit: int) -> dict[str, Any]:
    """One row of the table."""
    run = evaluate(model, TASKS, suite="mini", limit=limit, run_dir=folder / "run")
    spec = spec_from(
        tasks=TASKS, suite="mini", model=model.card, model_arguments={}, task_paths=[], model_paths=[], data={},
        dtype=None, variants=(Variant(),), seed=0, limit=limit, sample_ids=(), generation={}, seen_prompts=None,
        metrics=(), judge=None, long_audio=None, skip_missing_data=False, allow_missing_metrics=True,
    )  # fmt: skip
    found = probe(model, spec, folder / "probe", parts=["likelihood", "hallucination", "collapse"])
    row: dict[str, Any] = {"canary": "warned" if run.warning else "silent"}
    for name, (diagnosis, measure, rule) in PROBES.items():
        silence = ("none", "silence")
        mine = [f for f in found[diagnosis].findings if f.measure == measure and f.condition in silence]
        row[name] = _cell([rule(finding) for finding in mine])
    told = _diagnosed(folder / "run")
    for name, (diagnosis, judge) in FROM_ANSWERS.items():
        row[name] = _cell([judge(one) for one in told[diagnosis]["rows"]])
    return row


def _diagnosed(run: Path) -> dict[str, Any]:
    """What `salmonn-eval diagnose RUN --json` says."""
    done = subprocess.run([*salmonn_eval("diagnose", str(run), "--json")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"diagnose {run} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cell(flags: Sequence[Flag]) -> str:
    testable = [flag for flag in flags if flag is not None]
    return f"{sum(testable)}/{len(testable)}"


def _changed(folder: Path, healthy: Path) -> float:
    """Share of answers that the fault changed: how large it is."""
    one, other = (_texts(path / "run") for path in (folder, healthy))
    return sum(one[name] != other[name] for name in one) / len(one)


def _texts(run: Path) -> dict[tuple[str, str], str | None]:
    from salmonn_eval.api.evaluation import Evaluation

    return {(answer.request.task, answer.sample.id): answer.prediction.text for answer in Evaluation(run).answers()}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of runs and probes")
    parser.add_argument("--model", default="salmonn-nano-stage2")
    parser.add_argument("--limit", type=int, default=20, help="clips a test set")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    given = parser.parse_args()
    card = registry.resolve(given.model, {})
    base = registry.load(card, device="auto", dtype=card.dtype, batch_size=None)
    healthy: Model = Remembering(base)
    rows = []
    for name in (HEALTHY, *FAULTS):
        model = healthy if name == HEALTHY else Mutant(healthy, name)
        row = measured(model, given.work / name, given.limit)
        changed = _changed(given.work / name, given.work / HEALTHY)
        rows.append({"mutant": name, "answers changed": f"{changed:.0%}", **row})
    report("mutants", rows, given.out)
    _publish(rows, given.model, given.limit)


def _publish(rows: Sequence[Mapping[str, Any]], model: str, limit: int) -> None:
    """The table on its page, between the markers."""
    head = list(rows[0])
    lines = [f"{model}, {limit} clips a test set.", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(row[name]) for name in head) + " |" for row in rows]
    page = PAGE.read_text(encoding="utf-8")
    inside = f"{BEGIN}\n{chr(10).join(lines)}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: inside, page, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
