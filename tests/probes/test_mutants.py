"""Each mutant has its fault and no other: on real answers of the embedded model to real test sets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from salmonn_eval.engine.predict import Silent
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import ask, items
from salmonn_eval.probes.finding import Finding
from salmonn_eval.probes.likelihood import likelihoods
from salmonn_eval.probes.mutants import FAULTS, REPEATS, Mutant
from salmonn_eval.probes.probe import probe
from salmonn_eval.probes.selection import selections
from salmonn_eval.records import Prediction

N = 4


Answers = dict[str, Prediction]
Ask = Callable[..., Answers]


@pytest.fixture
def answers(make_spec: Callable[..., RunSpec], tmp_path: Path) -> Ask:
    """`answers(model, "asr,sf")`: what it says to a few samples of each, by task and sample."""

    def asked(model: Model, tasks: str, limit: int = N) -> Answers:
        spec = make_spec(tasks, limit=limit, scales=(4.0,), card=model.card)
        run = ask(model, spec, spec.questions, spec.variants, tmp_path / model.card.name / tasks, Silent(), score=False)
        found: Answers = {}
        for question in spec.questions:
            for item in items(run, question.name):
                assert item.prediction is not None
                found[f"{question.task.id} {item.sample.id}"] = item.prediction
        return found

    return asked


def texts(found: Answers) -> dict[str, str | None]:
    return {name: answer.text for name, answer in found.items()}


@pytest.fixture
def asr(nano: Model, answers: Ask) -> dict[str, str | None]:
    return texts(answers(nano, "asr"))


def test_always_transcribes_answers_everything_as_the_model_answers_asr(
    nano: Model, asr: dict[str, str | None], answers: Ask
) -> None:
    """The sets share clips: the same sample ids stand in each."""
    found = texts(answers(Mutant(nano, "always-transcribes"), "asr,sqa,en2de,story:mini-speech"))
    transcripts = {name.split()[1]: text for name, text in asr.items()}
    mine = {name: text for name, text in found.items() if name.split()[1] in transcripts}
    assert len(mine) >= 2 * N
    assert all(text == transcripts[name.split()[1]] for name, text in mine.items())


def test_always_captions_never_changes_captions_and_changes_transcripts(
    nano: Model, asr: dict[str, str | None], answers: Ask
) -> None:
    healthy = texts(answers(nano, "aac"))
    found = texts(answers(Mutant(nano, "always-captions"), "aac,asr"))
    assert {name: text for name, text in found.items() if name.startswith("aac")} == healthy
    assert all(found[name] != text for name, text in asr.items())


def test_japanese_is_answered_in_chinese_and_nothing_else_changes(nano: Model, answers: Ask) -> None:
    healthy = texts(answers(nano, "en2ja,en2zh"))
    found = texts(answers(Mutant(nano, "chinese-for-japanese"), "en2ja,en2zh"))
    for name, text in found.items():
        task, sample = name.split()
        assert text == (healthy.get(f"en2zh {sample}", text) if task == "en2ja" else healthy[name])
        assert not any("ぁ" <= letter <= "ヿ" for letter in text or ""), "no kana"


def test_yes_bias_runaway_and_deafness(nano: Model, answers: Ask) -> None:
    healthy = answers(nano, "sv,sf")
    biased = texts(answers(Mutant(nano, "yes-bias"), "sv,sf"))
    assert {text for name, text in biased.items() if name.startswith("sv")} == {"yes"}
    assert {n: t for n, t in biased.items() if n.startswith("sf")} == {
        n: t for n, t in texts(healthy).items() if n.startswith("sf")
    }
    for name, answer in answers(Mutant(nano, "runaway"), "sv,sf").items():
        assert answer.finish == "length"
        assert answer.text == " ".join([healthy[name].text or ""] * REPEATS)
    deaf = texts(answers(Mutant(nano, "deaf"), "asr", limit=8))
    assert len(set(deaf.values())) == 1, "what it says does not depend on the clip"


def test_phones_on_about_two_percent(make_spec: Callable[..., RunSpec], nano: Model) -> None:
    from salmonn_eval.engine.plan import Planner

    spec = make_spec("all", limit=0, scales=(4.0,))
    asked = [row.request for question in spec.questions for row in Planner(spec, question).rows()]
    fault = FAULTS["phones-2-percent"]
    changed = [request for request in asked if request.task != "pr" and fault.asked(request) != request]
    assert 0.005 < len(changed) / len(asked) < 0.04
    assert all("phonetic" in fault.asked(request).instruction for request in changed)


def test_selection_finds_an_ignored_instruction_and_passes_the_healthy_model(
    nano: Model, make_spec: Callable[..., RunSpec], tmp_path: Path
) -> None:
    found = {}
    for model in (nano, Mutant(nano, "always-transcribes")):
        spec = make_spec("en2de", limit=8, scales=(4.0,), card=model.card)
        rows = likelihoods(model, spec, tmp_path / f"{model.card.name}.jsonl", Silent())
        found[model.card.name] = {finding.measure: finding.value for finding in selections(rows, 4.0)}
    healthy, mutant = found.values()
    assert healthy["contrast"] == healthy["decides"] == 1.0
    assert mutant["contrast"] == 0.5 and mutant["decides"] == 0.0
    assert mutant["difference_per_token"] == 0.0


def test_an_unknown_mutant_is_refused(nano: Model) -> None:
    with pytest.raises(UsageError, match="always-transcribes, always-captions"):
        Mutant(nano, "sleepy")
    cards = [Mutant(nano, name).card for name in FAULTS]
    assert len({card.fingerprint for card in cards} | {nano.card.fingerprint}) == len(FAULTS) + 1


@pytest.mark.slow
def test_collapse_is_whole_in_a_model_that_always_transcribes_and_none_in_a_healthy_one(
    nano: Model, make_spec: Callable[..., RunSpec], tmp_path: Path
) -> None:
    rates: dict[str, dict[str, Finding]] = {}
    for model in (nano, Mutant(nano, "always-transcribes"), Mutant(nano, "deaf")):
        spec = make_spec("asr,en2de", limit=8, scales=(4.0,), card=model.card)
        found = probe(model, spec, tmp_path / model.card.name, parts=["collapse"])["collapse_probe"]
        rates[model.card.name] = {f"{finding.task} {finding.measure}": finding for finding in found.findings}
    healthy, transcribes, deaf = rates.values()
    assert healthy["en2de collapse_transcript"].value == 0.0
    assert transcribes["en2de collapse_transcript"].value == 1.0
    assert healthy["asr collapse_transcript"].why == "it is what is asked"
    assert deaf["en2de collapse_transcript"].value is None or deaf["en2de collapse_transcript"].value < 0.2
