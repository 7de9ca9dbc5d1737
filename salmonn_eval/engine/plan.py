"""The plan: tasks, datasets and variants become request keys, written down before anything is answered."""

import hashlib
import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from salmonn_eval.data.annotated import SampleSource
from salmonn_eval.data.conditions import swap_partners
from salmonn_eval.data.encoded import probe
from salmonn_eval.data.hashes import AudioHashes
from salmonn_eval.data.sources import open_source
from salmonn_eval.engine.generation import effective_generation
from salmonn_eval.engine.keys import request_key
from salmonn_eval.engine.rundir import QuestionPlan, RunDirectory
from salmonn_eval.engine.spec import Question, RunSpec
from salmonn_eval.errors import AudioError, UsageError
from salmonn_eval.jsonl import atomic, encode_rows, read_rows, write_atomic
from salmonn_eval.records import AudioRef, Clip, Request, Sample, Variant
from salmonn_eval.tasks.prompts import render, template_of
from salmonn_eval.tasks.spec import SeenPrompts
from salmonn_eval.tasks.suites import load_suites


class PlanRow(Struct, frozen=True):
    """One planned request and how many seconds of audio it holds (0: none, or unreadable)."""

    request: Request
    seconds: float

    @property
    def name(self) -> str:
        """`TASK.DATASET`."""
        return f"{self.request.task}.{self.request.dataset}"


def read_plan(run: RunDirectory, plan: QuestionPlan | None = None) -> Iterator[PlanRow]:
    """The rows in plan order, streamed; those of one question where its plan is given."""
    for _, row in read_rows(run.plan, PlanRow, what="plan row", span=plan.span if plan else None):
        yield row


class _Key(Struct, frozen=True):
    key: str


class _KeyOnly(Struct, frozen=True):
    request: _Key


def read_keys(run: RunDirectory, plan: QuestionPlan) -> Iterator[str]:
    """The request keys of one question in plan order: several times faster than whole rows."""
    for _, row in read_rows(run.plan, _KeyOnly, what="plan row", span=plan.span):
        yield row.request.key


def write_plan(run: RunDirectory, spec: RunSpec, stop: threading.Event | None = None) -> tuple[QuestionPlan, ...]:
    """Write `samples/` and `plan.jsonl`, the latter last and atomically: a plan that exists is whole.

    Raises KeyboardInterrupt when `stop` is set meanwhile: nothing is lost, for nothing was answered yet.
    """
    plans: list[QuestionPlan] = []
    encode = msgspec.json.Encoder().encode
    with atomic(run.plan) as file:
        for question in spec.questions:
            planner = Planner(spec, question)
            write_atomic(run.samples(question.name), encode_rows(planner.everything()))
            start = file.tell()
            for row in planner.rows():
                if stop is not None and stop.is_set():
                    raise KeyboardInterrupt
                file.write(encode(row) + b"\n")
            plans.append(msgspec.structs.replace(planner.summary(), span=(start, file.tell())))
    return tuple(plans)


class Planner:
    """Plans one question; also what `--dry-run` counts with, since it writes nothing."""

    def __init__(self, spec: RunSpec, question: Question) -> None:
        self._spec = spec
        self._question = question
        self._source: SampleSource = open_source(
            question.dataset, Path(question.root), {corpus: Path(path) for corpus, path in spec.data.items()}
        )
        suite = load_suites()[question.dataset.suite]
        self._generation = effective_generation(spec.card, question, suite.generation, spec.generation)
        seen = SeenPrompts(spec.seen_prompts) if spec.seen_prompts else None
        self._templates = {
            variant.prompt_set: template_of(question.task, question.dataset, variant.prompt_set, seen)
            for variant in spec.variants
        }
        self._n_planned = 0
        self._audio_s = 0.0
        self._n_total = 0
        self._chosen = self._choose()

    def everything(self) -> Iterator[Sample]:
        """Every item of the test set, asked or not, its audio there or not: what corpus statistics are made from."""
        return (item.sample for item in self._source.items())

    def samples(self) -> Iterator[Sample]:
        """The samples that are asked, in the source's order."""
        return (sample for sample in self._source.samples() if self._chosen is None or sample.id in self._chosen)

    def rows(self) -> Iterator[PlanRow]:
        """Requests, sample by sample, all variants of a sample together (they share its audio)."""
        partners = {v.seed: self._partners(v.seed) for v in self._spec.variants if v.condition == "swapped"}
        hears = self._spec.card.capabilities.audio
        with AudioHashes() as hashes:
            for sample in self.samples():
                self._n_planned += 1
                for variant in self._spec.variants:
                    if variant.condition == "text":
                        yield self._row(sample, (), variant, self._text(sample))
                        continue
                    clips = partners[variant.seed][sample.id] if variant.condition == "swapped" else sample.clips
                    heard = hashed(hashes, clips) if hears else clips
                    yield self._row(sample, tuple(_conditioned(clip, variant) for clip in heard), variant)

    def summary(self) -> QuestionPlan:
        """What was planned; call it after `rows` is exhausted."""
        absent = len(self._source.absent())
        return QuestionPlan(
            name=self._question.name,
            n_total=self._n_total + absent,
            n_absent=absent,
            n_planned=self._n_planned,
            audio_s=round(self._audio_s, 3),
            suite=self._question.dataset.suite,
            remarks=self._remarks(self._n_total + absent),
        )

    def _remarks(self, found: int) -> tuple[str, ...]:
        """What the source tells of its data, and the count where it is not the published one."""
        expected = self._question.dataset.n_expected
        told = [f"{found:,} items; {expected:,} expected"] if expected not in (None, found) else []
        return (*told, *self._source.remarks())

    def _text(self, sample: Sample) -> str:
        """What is said in a sample, and what else is heard; UsageError where its test set tells neither."""
        known = [sample.fields.get(name) for name in ("transcript", "caption")]
        said, heard = (text.strip() if isinstance(text, str) else "" for text in known)
        if not said and not heard:
            raise UsageError(
                f"{self._question.name}, sample {sample.id!r}: has neither fields.transcript nor fields.caption; "
                "--condition text needs what is said or heard: leave the task out"
            )
        return f"{said} ({heard})" if said and heard and said != heard else said or heard

    def _row(self, sample: Sample, clips: tuple[Clip, ...], variant: Variant, text: str | None = None) -> PlanRow:
        card, question = self._spec.card, self._question
        try:
            instruction = render(self._templates[variant.prompt_set], sample.fields)
        except UsageError as fault:
            raise UsageError(f"{question.name}, sample {sample.id!r}: {fault}") from fault
        request = Request(
            key=request_key(
                task=question.task.id,
                dataset=question.dataset_id,
                sample_id=sample.id,
                clips=clips,
                instruction=instruction,
                generation=self._generation,
                variant=variant,
                policy=card.audio,
                model=card.fingerprint,
                text=text,
            ),
            task=question.task.id,
            dataset=question.dataset_id,
            sample_id=sample.id,
            instruction=instruction,
            clips=clips,
            generation=self._generation,
            variant=variant,
            text=text,
        )
        seconds = round(sum(_seconds(clip) for clip in clips), 3) if card.capabilities.audio else 0.0
        self._audio_s += seconds
        return PlanRow(request, seconds)

    def _choose(self) -> frozenset[str] | None:
        """Ids to ask (None: all): those named, or a sample by seeded hash, the same whatever the list's order."""
        limit = self._limit()

        def ids() -> Iterator[str]:
            for sample in self._source.samples():
                self._n_total += 1
                yield sample.id

        if self._spec.sample_ids:
            return frozenset(ids()) & frozenset(self._spec.sample_ids)
        if not limit:
            for _ in ids():
                pass
            return None
        seed = self._spec.seed
        return frozenset(heapq.nsmallest(limit, ids(), key=lambda id_: _draw(seed, id_)))

    def _limit(self) -> int:
        if self._spec.limit is not None:
            return self._spec.limit
        embedded = self._question.dataset.suite != "paper"
        return (self._spec.card.quick_limit or 0) if embedded else 0

    def _partners(self, seed: int) -> dict[str, tuple[Clip, ...]]:
        """For each sample of the whole set, asked or not, the clips of another: a seeded derangement."""
        whole = [(sample.id, sample.clips) for sample in self._source.samples()]
        found = {}
        for place, other in enumerate(swap_partners([clips for _, clips in whole], seed)):
            id_, own = whole[place]
            if own and whole[other][1] == own:
                raise UsageError(
                    f"{self._question.name}: sample {id_!r} has no other clip to swap with; --condition swapped needs "
                    "a test set with different clips"
                )
            found[id_] = whole[other][1]
        return found


def hashed(hashes: AudioHashes, clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Clips with content hashes; one that cannot be read stays without, and becomes an error when it is asked."""
    return tuple(_or_same(hashes.with_hashes, clip) for clip in clips)


def _or_same(change: Callable[[Clip], Clip], clip: Clip) -> Clip:
    try:
        return change(clip)
    except AudioError:
        return clip


def _conditioned(clip: Clip, variant: Variant) -> Clip:
    if variant.condition == "none":
        return clip
    return msgspec.structs.replace(clip, condition=variant.condition, condition_seed=variant.seed)


def _seconds(clip: Clip) -> float:
    lengths = [_part_seconds(part) for part in clip.parts]
    return max(lengths, default=0.0) if clip.join == "mix" else sum(lengths) + clip.gap_s * (len(lengths) - 1)


def _part_seconds(part: AudioRef) -> float:
    whole = probe(part)
    if whole is None:
        return 0.0
    end = whole if part.end_s is None else min(whole, part.end_s)
    return max(0.0, end - part.start_s)


def _draw(seed: int, id_: str) -> bytes:
    return hashlib.sha256(f"{seed}:{id_}".encode()).digest()


def check_sample_ids(spec: RunSpec, run: RunDirectory) -> None:
    """Raise UsageError for a `--sample-id` that is in none of the test sets."""
    if not spec.sample_ids:
        return
    unknown = set(spec.sample_ids) - {row.request.sample_id for row in read_plan(run)}
    if unknown:
        names = ", ".join(question.name for question in spec.questions)
        raise UsageError(
            f"--sample-id {', '.join(sorted(unknown))}: no such sample in {names}; see {run.path / 'samples'}"
        )
