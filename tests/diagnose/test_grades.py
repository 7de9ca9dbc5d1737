"""Item scores: the metrics' own numbers on aligned pairs, and the same numbers in a table of all pairs."""

from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.chrf import CHRF

from salmonn_eval.bundled import bundled
from salmonn_eval.diagnose.grades import grades_of
from salmonn_eval.diagnose.grades.chrf import ChrF
from salmonn_eval.engine.scoring import context_of
from salmonn_eval.engine.spec import Question
from salmonn_eval.jsonl import read_rows
from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.registry import build
from salmonn_eval.tasks.discover import discover
from salmonn_eval.tasks.selection import find_task

METRIC = {"asr": "wer", "osr": "osr_wer", "pr": "per", "er": "accuracy", "ke": "keyword_accuracy", "story": "grounding"}
METRIC |= {"sf": "slot_accuracy", "sqqa": "answer_accuracy", "sv": "accuracy"}


def asked(task: str) -> tuple[Question, list[Sample], list[str]]:
    """A mini set with answers that are right, cut, another sample's, or empty."""
    name = "mini-speech" if task == "story" else "mini"
    question = Question(find_task(discover(), task).spec, name, "", "")
    file = bundled("tasks") / "mini" / f"{task}.jsonl"
    file = file if file.exists() else next(Path(file.parent).glob(f"{task}*speech*.jsonl"))
    rows = [row for _, row in read_rows(file, dict)][:40]
    samples = [
        Sample(
            row["id"],
            fields=row.get("fields", {}) | {"transcript": row.get("fields", row).get("transcript", "")},
            references=tuple(row.get("references", ())),
            labels=tuple(row.get("labels", ())),
        )
        for row in rows
    ]
    gold = [", ".join(sample.references) or sample.labels[0] for sample in samples]
    texts = [
        (text, text.rpartition(" ")[0], gold[row - 1], "")[row % 4] if row % 8 else text
        for row, text in enumerate(gold)
    ]
    return question, samples, texts


@pytest.mark.parametrize("task", [*METRIC, "aac", "en2de"])
def test_aligned_pairs_are_the_diagonal_of_all_pairs(task: str) -> None:
    question, samples, texts = asked(task)
    grades = grades_of(question, samples)
    own, pairs = grades.own(texts, samples), grades.pairs(texts, samples)
    assert pairs.shape == (40, 40)
    np.testing.assert_allclose(np.diag(pairs), own)
    assert 0 <= np.nanmin(pairs) and np.nanmax(pairs) <= 1 and 0.1 < np.nanmean(own) < 1


@pytest.mark.parametrize("task", METRIC)
def test_the_scorer_finds_the_same_where_the_instruction_is_followed(task: str) -> None:
    question, samples, texts = asked(task)
    metric = next(metric for metric in question.metrics if metric.name == METRIC[task])
    scorer = build(metric.name, metric.settings, context_of(question))
    if scorer.needs_corpus:
        scorer.prepare(samples)
    request = Request("k", task, "mini", "s", "?", (), Generation(9), Variant())
    answers = [(sample, request, Prediction("k", text, "eos")) for sample, text in zip(samples, texts, strict=True)]
    own = grades_of(question, samples).own(texts, samples)
    compared = 0
    for measure, score in zip(scorer.measure(answers), own, strict=True):
        if (measure.why or "").startswith("not followed"):
            continue
        share = measure.stats[0] / measure.stats[1]
        assert score == pytest.approx(max(0.0, 1 - share) if METRIC[task] in ("wer", "osr_wer", "per") else share)
        compared += 1
    assert compared >= 20


def test_chrf_is_sacrebleus() -> None:
    texts = [
        "",
        "a",
        "the old man knows",
        "the  man knew the old",
        "老人知道我哥哥",
        "月曜日女の子は",
        "Der alte Mann weiß",
    ]
    chrf, places = ChrF(texts), np.arange(len(texts))
    theirs = [[CHRF().sentence_score(a, [b]).score for b in texts] for a in texts]
    np.testing.assert_allclose(chrf.crossed(places, places), theirs, atol=1e-9)
    np.testing.assert_allclose(chrf.aligned(places, places), np.diag(theirs), atol=1e-9)
