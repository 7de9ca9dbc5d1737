"""Perplexity and selection against transformers' own loss, on the embedded model and its real test sets."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from salmonn_eval.bundled import bundled
from salmonn_eval.engine.executor import Ears
from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.predict import Silent
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.models.salmonn.folder import load
from salmonn_eval.probes.likelihood import Likelihood, likelihoods, log_mean_exp
from salmonn_eval.probes.perplexity import perplexities
from salmonn_eval.probes.probe import probe
from salmonn_eval.probes.selection import difference, selections
from salmonn_eval.probes.settings import reference_answer, rival_of, settings
from salmonn_eval.probes.told import Teller
from salmonn_eval.records import Interval, Request, Sample

MakeSpec = Callable[..., RunSpec]


@pytest.fixture(scope="module")
def bare() -> tuple[Any, Any]:
    """nano's language model as transformers knows it, built anew from the weights less the adapter; the tokenizer."""
    loaded = load(bundled("model") / "salmonn-nano")
    llama: Any = LlamaForCausalLM(LlamaConfig(**dict(loaded.network.config.llama)))
    llama.eval()
    state = {
        name.replace(".base_layer", ""): tensor
        for name, tensor in loaded.network.llama.state_dict().items()
        if ".lora_" not in name
    }
    assert not llama.load_state_dict(state, strict=False).unexpected_keys
    return llama, loaded.tokenizer


def test_perplexity_at_scale_0_is_the_bare_model_s_own_loss(
    nano: Any, make_spec: MakeSpec, bare: tuple[Any, Any], tmp_path: Path
) -> None:
    llama, tokenizer = bare
    spec = make_spec("en2de", limit=3)
    rows = likelihoods(nano, spec, tmp_path / "rows.jsonl", Silent())
    (found,) = [
        finding.value
        for finding in perplexities(rows, 4.0)
        if (finding.measure, finding.scale) == ("perplexity_instructed", 0.0)
    ]
    losses, tokens = [], []
    for sample, request in _asked(spec):
        with Ears(nano, 1, print) as ears:
            list(ears.ready([request]))
            (speech,) = nano._listener.speech(ears.waveforms(request))
        prompt = nano._prompt(request, speech)
        ids = [*tokenizer(sample.references[0], add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        table = llama.get_input_embeddings()
        parts = [table(torch.tensor(prompt.prefix_ids)), speech, table(torch.tensor([*prompt.suffix_ids, *ids]))]
        labels = torch.tensor([[-100] * len(prompt) + ids])
        with torch.inference_mode():
            losses.append(float(llama(inputs_embeds=torch.cat(parts)[None], labels=labels).loss) * len(ids))
        tokens.append(len(ids))
    assert found == pytest.approx(math.exp(sum(losses) / sum(tokens)), rel=1e-4)


def _asked(spec: RunSpec) -> list[tuple[Sample, Request]]:
    planner = Planner(spec, spec.questions[0])
    rows = {row.request.sample_id: row.request for row in planner.rows()}
    return [(sample, rows[sample.id]) for sample in planner.samples()]


def test_every_sum_is_what_the_model_says_one_request_at_a_time(
    nano: Model, make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec("sf", limit=1)
    rows = likelihoods(nano, spec, tmp_path / "rows.jsonl", Silent())
    ((sample, request),) = _asked(spec)
    rival = rival_of(sample)
    assert rival and rival.answer == sample.fields["transcript"] and rival.instruction.startswith("Recognize")

    def alone(instruction: str, text: str, scale: float) -> float:
        variant = msgspec.structs.replace(request.variant, lora_scale=scale)
        asked = msgspec.structs.replace(request, instruction=instruction, variant=variant)
        with Teller(nano) as teller:
            return math.fsum(teller.tell([asked], [text])[0][0])

    answer = sample.references[0]
    for row in rows:
        assert row.scale is not None
        told = [alone(words, answer, row.scale) for words in settings().marginal]
        assert row.marginal == pytest.approx(np.logaddexp.reduce(told) - math.log(len(told)), abs=1e-3)
        assert row.instructed == pytest.approx(alone(request.instruction, answer, row.scale), abs=1e-3)
        assert row.empty == pytest.approx(alone("", answer, row.scale), abs=1e-3)
        assert row.rival_instructed == pytest.approx(alone(request.instruction, rival.answer, row.scale), abs=1e-3)
        assert row.rival_rivalled == pytest.approx(alone(rival.instruction, rival.answer, row.scale), abs=1e-3)
        assert row.answer_rivalled == pytest.approx(alone(rival.instruction, answer, row.scale), abs=1e-3)
    assert [row.scale for row in rows] == [0.0, 2.0, 4.0]


def test_a_probe_that_was_cut_off_goes_on_to_the_same_findings(
    nano: Model, make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec("sf,asr", limit=3)
    whole = probe(nano, spec, tmp_path / "whole", parts=["likelihood"])
    cut = tmp_path / "cut"
    probe(nano, spec, cut, parts=["likelihood"])
    file = cut / "likelihoods.jsonl"
    file.write_bytes(file.read_bytes()[:-700])
    again = probe(nano, spec, cut, parts=["likelihood"])
    assert {name: found.findings for name, found in again.items()} == {
        name: found.findings for name, found in whole.items()
    }
    assert len(file.read_bytes().splitlines()) == 18
    assert json.loads((cut / "perplexity.json").read_bytes())["diagnosis"] == "perplexity"
    assert {finding.task for finding in again["selection"].findings} == {"sf"}, "asr is its own rival"


def row(scale: float = 4.0, number: int = 0, **sums: Any) -> Likelihood:
    return Likelihood("sf", "mini", f"s{number}", scale, (f"c{number}",), tokens=3, rival_tokens=7, **sums)


def low(ci: Interval | None) -> float:
    assert ci is not None
    return ci.low


def test_a_shift_moves_every_choice_and_decides_none() -> None:
    """The transcript always wins, by a tenth of a nat less where the task's own instruction stands."""
    sums = {"instructed": -9.9, "rival_instructed": -1.0, "answer_rivalled": -10.0, "rival_rivalled": -1.0}
    rows = [row(number=number, **sums) for number in range(50)]
    found = {finding.measure: finding for finding in selections(rows, 4.0)}
    assert found["contrast"].value == 1.0 and low(found["contrast"].ci) > 0.9
    assert found["decides"].value == 0.0 and found["rival_wins"].value == 1.0
    assert found["difference_per_token"].value == pytest.approx(0.1 / 10)


def test_an_instruction_that_is_ignored_is_chance() -> None:
    rows = [row(number=number, instructed=-8.0, rival_instructed=-2.0, answer_rivalled=-8.0, rival_rivalled=-2.0)
            for number in range(50)]  # fmt: skip
    found = {finding.measure: finding for finding in selections(rows, 4.0)}
    assert found["contrast"].value == 0.5
    assert difference(rows[0]) == 0.0


def test_change_is_paired_so_that_it_is_sharper_than_two_intervals() -> None:
    random = np.random.default_rng(3)
    level = random.normal(-6, 2, 60).clip(max=-0.5)
    rows = [row(0.0, number, instructed=value) for number, value in enumerate(level)]
    rows += [
        row(4.0, number, instructed=value - 0.3, empty=value, marginal=value) for number, value in enumerate(level)
    ]
    found = [f for f in perplexities(rows, 4.0) if f.measure == "perplexity_instructed"]
    at_zero, at_default = found
    assert at_zero.value == pytest.approx(math.exp(-level.sum() / 180))
    assert at_zero.change == pytest.approx(-0.1) and at_default.change is None
    assert at_zero.ci and at_zero.ci.high > low(at_default.ci), "the two intervals overlap"
    assert at_zero.change_ci is None or at_zero.change_ci.high < 0


def test_log_mean_exp_of_what_would_underflow() -> None:
    assert log_mean_exp([-1000.0, -1000.0 + math.log(3)]) == pytest.approx(-1000 + math.log(2))


def test_reference_answers_are_the_test_sets_own(make_spec: MakeSpec) -> None:
    found: dict[str, str | None] = {}
    for question in make_spec("all,extra", limit=1, scales=(4.0,)).questions:
        (sample,) = Planner(make_spec(question.task.id, limit=1, scales=(4.0,)), question).samples()
        found[question.name] = reference_answer(question.task.id, sample)
    assert found["story.mini-speech"] is None
    assert (found["ke.mini"] or "").count(", ") == 2 and (found["osr.mini"] or "").count("\n") == 1
    assert found["sv.mini"] in ("yes", "no")
    assert all(found[name] for name in found if not name.startswith("story"))
