"""Every metric of the design is there, loads, or says why not."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample
from salmonn_eval.scorers import registry
from salmonn_eval.scorers.base import Scorer, ScorerContext
from salmonn_eval.scorers.catalogue import MetricFacts
from salmonn_eval.scorers.judge.endpoint import EndpointJudge
from salmonn_eval.scorers.registry import Metric, availability, build, check_settings, describe

IDS = (
    "wer cer per osr_wer cpwer bleu coco_bleu4 meteor rouge_l cider spice spider accuracy unweighted_accuracy "
    "balanced_accuracy yes_rate eer keyword_accuracy slot_accuracy slot_contains answer_accuracy judge_accuracy "
    "following_rate fr_paper diversity distinct_100 repeat_rate eos_rate grounding"
).split()
CONTEXT = ScorerContext(
    "sv", "en", {"yes": (), "no": ()}, rule="answers_speech", judge=EndpointJudge("judge-1", "http://localhost/v1")
)


def test_the_metric_ids_are_the_ones_used_everywhere() -> None:
    assert set(availability()) == set(IDS)


@pytest.mark.parametrize("name", IDS)
def test_every_metric_loads_or_says_why_not(name: str) -> None:
    why = availability()[name]
    if why is not None:
        assert why.startswith(f"metric '{name}' ")
        with pytest.raises(UsageError) as fault:
            build(name, {}, CONTEXT)
        assert str(fault.value) == why
        return
    scorer = build(name, {}, CONTEXT)
    assert isinstance(scorer, Scorer)
    assert scorer.metric == name
    facts = describe(name)
    assert (facts.unit, facts.better) == (scorer.unit, scorer.better)
    assert facts.needs_logprobs is (name == "eer")
    assert facts.needs_judge is (name == "judge_accuracy")
    assert str(scorer.signature).startswith(f"{name}|")
    assert str(scorer.signature).endswith("|v:1")


@pytest.mark.parametrize("name", [name for name, why in availability().items() if why is None])
def test_a_sample_without_material_still_has_ends_that_combine(name: str) -> None:
    scorer = build(name, {}, CONTEXT)
    for end in (scorer.worst, scorer.best):
        stats = end(Sample("bare"))[None, :]
        assert scorer.combine(stats, np.ones((3, 1))).shape == (3,)


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("wer", {"normaliser": "plain"}, "metric 'wer' has no setting 'normaliser'; it has normalizer"),
        (
            "wer",
            {"normalizer": "whisper"},
            "metric 'wer': setting 'normalizer' is 'whisper'; expected one of plain, whisper-en, whisper-basic, none",
        ),
        ("per", {"phone_set": 39}, "metric 'per': setting 'phone_set' is 39; expected one of stress, folded39"),
        ("accuracy", {"x": "y"}, "metric 'accuracy' has no setting 'x'; it has match"),
        ("loudness", {}, "metric 'loudness' does not exist; choose one of accuracy,"),
        ("acuracy", {}, "metric 'acuracy' does not exist; did you mean 'accuracy'?"),
    ],
)
def test_a_bad_name_or_setting_is_told_with_the_choices(name: str, settings: Mapping[str, Any], sentence: str) -> None:
    assert (check_settings(name, settings) or "").startswith(sentence)
    with pytest.raises(UsageError, match="metric"):
        build(name, settings, CONTEXT)


def test_good_settings_pass() -> None:
    assert check_settings("wer", {"normalizer": "whisper-en"}) is None
    assert check_settings("cer", {"normalizer": "none", "spaces": "remove"}) is None


def test_an_installed_package_adds_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"loudness": f"{__name__}:LOUDNESS", "broken": "no_such_module_anywhere:X", "odd": f"{__name__}:IDS"}
    entries = {name: EntryPoint(name, value, registry.GROUP) for name, value in places.items()}
    monkeypatch.setattr(registry, "_plugins", lambda: entries)
    known = availability()
    assert known["loudness"] is None
    assert describe("loudness").unit == "points"
    assert "cannot be loaded: No module named 'no_such_module_anywhere'" in (known["broken"] or "")
    assert "expected a registry.Metric" in (known["odd"] or "")
    assert build("loudness", {"unit": "b"}, CONTEXT).signature.metric == "wer"
    assert check_settings("loudness", {"unit": "c"}) == "metric 'loudness': setting 'unit' is 'c'; expected one of a, b"


def _loudness(settings: Mapping[str, str], context: ScorerContext) -> Scorer:
    return build("wer", {}, context)


LOUDNESS = Metric(_loudness, MetricFacts("points", "higher"), {"unit": ("a", "b")})


def test_scoring_never_imports_torch_or_transformers() -> None:
    code = """
import sys
from salmonn_eval.records import *
from salmonn_eval.scorers.base import ScorerContext
from salmonn_eval.scorers.registry import availability, build
from salmonn_eval.scorers.judge.endpoint import EndpointJudge, Limits
judge = EndpointJudge("j", "http://127.0.0.1:9/v1", limits=Limits(tries=1))
context = ScorerContext("t", "en", {"yes": (), "no": ()}, "answers_speech", judge=judge)
sample = Sample("s", fields={"transcript": "well then"}, references=("the colour",), labels=("yes",))
request = Request("k", "t", "d", "s", "", (), Generation(9), Variant())
answer = (sample, request, Prediction("k", "It's the colour of two thousand trees", "eos"))
for name, why in availability().items():
    for settings in ({}, {"normalizer": "whisper-en"}) if name == "wer" else ({},):
        if why is None:
            scorer = build(name, settings, context)
            if not scorer.__module__.startswith("salmonn_eval.scorers.captions"):  # those start Java
                scorer.prepare([sample])
                list(scorer.measure([answer]))
heavy = {"torch", "transformers", "pandas", "datasets", "scipy"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
