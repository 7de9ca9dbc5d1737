"""Forgetting, hallucination and the cascade: answers of the embedded model to its real test sets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from salmonn_eval.api.evaluate import evaluate
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.models.protocol import Model
from salmonn_eval.probes.asked import items
from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.probes.gain import gains
from salmonn_eval.probes.hallucination import made_up, same
from salmonn_eval.probes.mutants import Mutant
from salmonn_eval.probes.probe import probe
from salmonn_eval.records import Generation, Request, Variant

MakeSpec = Callable[..., RunSpec]


def by_measure(diagnosis: Diagnosis, task: str) -> dict[str, Finding]:
    return {finding.measure: finding for finding in diagnosis.findings if finding.task == task}


def value(finding: Finding) -> float:
    assert finding.value is not None, finding.why
    return finding.value


@pytest.mark.slow
def test_stories_are_forgotten_and_transcripts_are_not(nano: Model, make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("story:mini-speech,asr,er", limit=8, scales=(4.0,))
    found = probe(nano, spec, tmp_path / "probe", parts=["forgetting"])["forgetting"]
    story, asr = by_measure(found, "story"), by_measure(found, "asr")
    assert value(story["forgetting"]) > 0.2 and value(story["cascade_gap"]) < -0.2
    assert value(asr["forgetting"]) == 0.0 and value(asr["g_text_on"]) == value(asr["g_text_off"]) == 1.0
    for cells in (story, asr):
        told = {name: value(finding) for name, finding in cells.items()}
        assert told["forgetting"] == pytest.approx(told["g_text_off"] - told["g_text_on"])
        assert told["modality_loss"] == pytest.approx(told["g_audio_on"] - told["g_text_on"])
        assert told["adapter_effect"] == pytest.approx(told["g_audio_on"] - told["g_audio_off"])
    assert by_measure(found, "er")["forgetting"].why == "the emotion is in the voice"
    _cascade_reads_what_the_model_wrote(nano, RunDirectory(tmp_path / "probe" / "answers-cascade"), tmp_path)
    _gains_are_those_of_the_metrics(RunDirectory(tmp_path / "probe" / "answers-text"))


def _cascade_reads_what_the_model_wrote(nano: Model, cascade: RunDirectory, folder: Path) -> None:
    """Its answer to `asr` is what the bare model copies from the transcript that the model wrote at scale 4."""
    run = evaluate(nano, "asr", suite="mini", limit=8, run_dir=folder / "asr")
    written = {answer.sample.id: answer.prediction.text for answer in run.answers()}

    class Unheard:
        def waveforms(self, request: Request) -> tuple[()]:
            return ()

        def note(self, message: str) -> None: ...

    for item in items(cascade, "asr.mini"):
        asked = Request(
            key="k", task="asr", dataset="mini", sample_id="s", instruction=item.row.request.instruction, clips=(),
            generation=Generation(200), variant=Variant(0.0), text=written[item.sample.id],
        )  # fmt: skip
        (copied,) = nano.generate([asked], Unheard())
        assert item.prediction is not None and item.prediction.text == copied.text


def _gains_are_those_of_the_metrics(run: RunDirectory) -> None:
    """G of asr against jiwer, an independent count of word errors."""
    import jiwer

    found = gains(run)
    for item in items(run, "asr.mini"):
        assert item.prediction is not None and item.prediction.text is not None
        expected = max(0.0, 1 - jiwer.wer(item.sample.references[0], item.prediction.text.lower()))
        assert found[item.row.request.key] in (pytest.approx(expected), 0.0)
    assert sum(found[item.row.request.key] for item in items(run, "asr.mini")) > 0


def test_a_deaf_model_is_unchanged_by_silence_and_a_hearing_one_is_not(
    nano: Model, make_spec: MakeSpec, tmp_path: Path
) -> None:
    rates: dict[str, dict[str, float]] = {}
    for model in (nano, Mutant(nano, "deaf")):
        spec = make_spec("asr,en2de", limit=4, scales=(4.0,), card=model.card)
        found = probe(model, spec, tmp_path / model.card.name, parts=["hallucination"])["hallucination"]
        silence = [finding for finding in found.findings if finding.condition == "silence"]
        rates[model.card.name] = {f"{finding.task} {finding.measure}": value(finding) for finding in silence}
    healthy, deaf = rates.values()
    assert healthy["asr unchanged"] == healthy["en2de unchanged"] == 0.0
    assert deaf["asr unchanged"] == deaf["en2de unchanged"] == 1.0
    assert healthy["asr hallucination_rate"] == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        (" ... ", False),
        ("There is silence.", False),
        ("I cannot hear anything.", False),
        ("the old man waited", True),
        ("Nothingness is a concept", True),
        ("In the silence of the night " + "he walked on and on " * 10, True),
    ],
)
def test_what_is_made_up(text: str, expected: bool) -> None:
    assert made_up(text) is expected


def test_same_answers_differ_in_case_and_marks_only() -> None:
    assert same("The man, waits.", "the man waits") and not same("the man", "the men")
