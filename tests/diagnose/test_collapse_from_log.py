"""Collapse on given answers: what is alike, what chance makes alike, and what cannot be told."""

from pathlib import Path

import pytest
import sacrebleu

from salmonn_eval.api.evaluate import evaluate
from salmonn_eval.diagnose.collapse import Both, alike, collapse
from salmonn_eval.diagnose.reading import read_run
from salmonn_eval.models import registry
from salmonn_eval.probes.mutants import Mutant

SENTENCES = (
    "the old man knew the red house",
    "my brother waited for a green bird",
    "she sold seven apples on monday",
    "a dog barks while rain falls",
    "nobody heard the teacher sing",
)


def pairs(own: tuple[str, ...], other: tuple[str, ...]) -> list[Both]:
    both = zip(own, other, strict=True)
    return [Both(one, two, f"clip {number}", (f"voice {number}",)) for number, (one, two) in enumerate(both)]


def test_the_same_answer_to_both_instructions_is_collapse() -> None:
    found = alike(pairs(SENTENCES, SENTENCES))
    assert found.k.value == 1.0
    assert found.tau is not None and found.tau < 50


def test_an_answer_that_shares_words_is_above_chance_and_not_collapsed() -> None:
    half = tuple(" ".join(sentence.split()[:3]) for sentence in SENTENCES)
    found = alike(pairs(half, SENTENCES))
    assert found.k.value == 0.0 and found.k_chance.value == 1.0


def test_a_model_that_always_says_the_same_is_not_testable() -> None:
    found = alike(pairs(("it is a dog",) * 5, ("it is a dog",) * 5))
    assert found.tau == 100.0
    assert found.k.value is None and "are alike" in str(found.k.why)
    assert alike(pairs(("",) * 5, (" ",) * 5)).tau == 100.0


def test_one_clip_tells_nothing() -> None:
    assert alike(pairs(("a dog",), ("a dog",))).k.why == "fewer than two clips"


def test_tau_is_the_percentile_of_sacrebleus_chrf_between_different_clips() -> None:
    own = tuple(" ".join(reversed(sentence.split())) for sentence in SENTENCES)
    scores = [
        sacrebleu.sentence_chrf(a, [b]).score for i, a in enumerate(own) for j, b in enumerate(SENTENCES) if i - j
    ]
    found = alike(pairs(own, SENTENCES))
    assert found.tau == pytest.approx(max(scores)), "of 20 different pairs the 99th percentile is the largest"


def test_a_run_of_a_model_that_always_transcribes_shows_it_and_the_healthy_one_does_not(
    swept: Path, tmp_path: Path
) -> None:
    healthy = {(row.task, row.variant.lora_scale, row.instead): row for row in collapse(read_run(swept)).rows}
    assert healthy["en2de", 4.0, "transcript"].k.value == 0.0
    assert "holds no answer of aac" in str(healthy["en2de", 4.0, "caption"].k.why)
    assert ("asr", 4.0, "transcript") not in healthy, "it is what is asked"
    card = registry.resolve("salmonn-nano-stage2", {})
    model = Mutant(registry.load(card, device="cpu", dtype="float32", batch_size=None), "always-transcribes")
    run = evaluate(model, "asr,en2de", suite="mini", limit=6, run_dir=tmp_path / "run").path
    (row,) = (row for row in collapse(read_run(run)).rows if (row.task, row.instead) == ("en2de", "transcript"))
    assert (row.k.value, row.n, row.n_answers) == (1.0, 6, 6)
