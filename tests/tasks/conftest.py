from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.bundled import bundled
from salmonn_eval.tasks.checks import Known
from salmonn_eval.tasks.discover import Catalogue, catalogue, find_files, load_task

METRICS = (
    "wer cer per osr_wer cpwer bleu coco_bleu4 meteor rouge_l cider spice spider accuracy unweighted_accuracy "
    "balanced_accuracy yes_rate eer keyword_accuracy slot_accuracy slot_contains answer_accuracy judge_accuracy "
    "following_rate fr_paper diversity distinct_100 repeat_rate eos_rate grounding"
).split()
RULES = (
    "words phones script_han script_kana german sentence one_label yes_no two_utterances short_list answers_speech "
    "story answer"
).split()
UNAVAILABLE = "metric 'meteor' is known but not part of this version"


def metric_fault(metric: str, settings: Mapping[str, Any]) -> str | None:
    if metric == "wer" and (wrong := set(settings) - {"normalizer"}):
        return f"metric 'wer' has no setting `{wrong.pop()}`; expected normalizer"
    return None


def rule_fault(rule: str, settings: Mapping[str, Any]) -> str | None:
    if rule not in RULES:
        return f"following rule '{rule}' does not exist"
    return f"following rule '{rule}' has no setting '{min(settings)}'" if settings else None


@pytest.fixture(scope="session")
def known() -> Known:
    return Known({name: UNAVAILABLE if name == "meteor" else None for name in METRICS}, metric_fault, rule_fault)


@pytest.fixture(scope="session")
def bundled_tasks() -> Catalogue:
    return catalogue(load_task(found) for found in find_files([bundled("tasks")]))


@pytest.fixture(scope="session")
def data() -> Path:
    return Path(__file__).resolve().parents[1] / "data" / "tasks"
