"""Sequence log-likelihoods of a reference answer and of its rival, under every instruction and every scale.

Perplexity and selection are computed from them. Each sample and scale is a line of `likelihoods.jsonl`, so that a probe
that was interrupted goes on.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.predict import Progress
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.errors import AudioError
from salmonn_eval.jsonl import read_rows
from salmonn_eval.models.protocol import Model, OutOfMemoryError
from salmonn_eval.probes.settings import reference_answer, rival_of, settings
from salmonn_eval.probes.told import Teller
from salmonn_eval.records import Prediction, Request, Sample


class Likelihood(Struct, frozen=True, omit_defaults=True):
    """One sample at one scale; log-likelihoods are sums over all tokens and the end of sequence, in nats.

    `tokens` counts both. `instructed`, `empty`: of the reference answer a under the task's instruction and under none;
    `marginal`: log-mean-exp over the fixed instructions. With a rival b: `rival_tokens`, L(b|a's instruction) and both
    under b's instruction. `fault` says why a sample has none of it.
    """

    task: str
    dataset: str
    sample_id: str
    scale: float | None
    cluster: tuple[str, ...] = ()
    tokens: int = 0
    instructed: float = 0.0
    empty: float = 0.0
    marginal: float = 0.0
    rival_tokens: int = 0
    rival_instructed: float = 0.0
    answer_rivalled: float = 0.0
    rival_rivalled: float = 0.0
    fault: str | None = None


def likelihoods(model: Model, spec: RunSpec, file: Path, progress: Progress) -> list[Likelihood]:
    """Ask what `file` does not hold yet, and give back everything, in planned order.

    A sample that cannot be heard, or that does not fit the model, is a row with its fault.
    """
    known = {_place(row): row for row in _kept(file)}
    found: list[Likelihood] = []
    scales = tuple(dict.fromkeys(variant.lora_scale for variant in spec.variants))
    planned = [(question, sample, request) for question in spec.questions for sample, request in _asked(spec, question)]
    progress.begin("likelihoods", len(planned), 0)
    with Teller(model) as teller, file.open("ab") as out:
        for question, sample, request in planned:
            places = [(question.task.id, question.dataset_id, sample.id, scale) for scale in scales]
            if any(place not in known for place in places):
                rows = _rows(teller, question, sample, request, scales)
                out.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
                out.flush()
                known |= {_place(row): row for row in rows}
            found += [known[place] for place in places]
            progress.advance(Prediction(request.key, "", "eos"), request)
    return found


def _place(row: Likelihood) -> tuple[str, str, str, float | None]:
    return row.task, row.dataset, row.sample_id, row.scale


def _kept(file: Path) -> Iterator[Likelihood]:
    """Rows of an earlier attempt; a last line that a kill cut short is dropped, from the file as well."""
    if not file.exists():
        return
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        file.write_bytes(whole)
    for _, row in read_rows(file, Likelihood, what="row of likelihoods"):
        yield row


def _asked(spec: RunSpec, question: Question) -> Iterator[tuple[Sample, Request]]:
    """Each sample that has a reference answer, with one request about it."""
    planner = Planner(spec, question)
    samples = planner.samples()
    sample: Sample | None = None
    for row in planner.rows():
        if sample is not None and row.request.sample_id == sample.id:
            continue
        sample = next(samples)
        if reference_answer(question.task.id, sample) is not None:
            yield sample, row.request


def _rows(
    teller: Teller, question: Question, sample: Sample, request: Request, scales: Sequence[float | None]
) -> list[Likelihood]:
    """A sample at every scale: all scales and instructions about its one clip go to the model together."""
    answer, rival = reference_answer(question.task.id, sample), rival_of(sample)
    assert answer is not None, "only samples with a reference answer are asked"
    if rival is not None and rival.answer == answer:
        rival = None
    instructions = [request.instruction, "", *settings().marginal, *([rival.instruction] if rival else [])]
    asked = [
        replace(
            request,
            key=f"{request.key}@{scale}#{number}",
            instruction=instruction,
            variant=replace(request.variant, lora_scale=scale),
        )
        for scale in scales
        for number, instruction in enumerate(instructions)
    ]
    rows = [
        Likelihood(question.task.id, question.dataset_id, sample.id, scale, cluster=sample.cluster) for scale in scales
    ]
    try:
        told = teller.tell(asked, [answer, *([rival.answer] if rival else [])])
    except (AudioError, OutOfMemoryError) as fault:
        return [replace(row, fault=str(fault)) for row in rows]
    sums = [[math.fsum(tokens) for tokens in one] for one in told]
    size = len(instructions)
    return [
        _filled(row, [len(tokens) for tokens in told[0]], sums[place * size : (place + 1) * size])
        for place, row in enumerate(rows)
    ]


def _filled(row: Likelihood, tokens: list[int], sums: list[list[float]]) -> Likelihood:
    """One scale's sums [instruction][answer, rival] by name."""
    count = len(settings().marginal)
    row = replace(
        row,
        tokens=tokens[0],
        instructed=sums[0][0],
        empty=sums[1][0],
        marginal=log_mean_exp([one[0] for one in sums[2 : 2 + count]]),
    )
    if len(tokens) == 1:
        return row
    return replace(
        row,
        rival_tokens=tokens[1],
        rival_instructed=sums[0][1],
        answer_rivalled=sums[-1][0],
        rival_rivalled=sums[-1][1],
    )


def log_mean_exp(values: Sequence[float]) -> float:
    """Ln of the mean of exp(values): the log-probability under an instruction drawn at random."""
    top = max(values)
    if not math.isfinite(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values) / len(values))
