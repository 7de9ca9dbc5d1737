"""SPICE and SPIDEr equal the true scores to 1e-4; what SPICE cannot parse costs itself alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.scorers.captions import spice
from salmonn_eval.scorers.captions.captions import Caption
from salmonn_eval.scorers.captions.process import JavaFault
from salmonn_eval.scorers.captions.spice import SpiceTool
from salmonn_eval.scorers.captions.spice_files import VARIABLE, SpiceFiles
from salmonn_eval.scorers.registry import availability, build, check_settings


@pytest.mark.slow
@pytest.mark.usefixtures("spice_files")
def test_spice_and_spider_are_the_true_scores(golden, captions, scored, context):
    """All cases go through SPICE in one process: what it finds in a caption does not depend on the others."""
    true = {case["id"]: case for case in golden("captions_spice")}
    cases = golden("captions")
    tool = context.shared.get(SpiceTool)
    tool.scores(
        [
            Caption(answer, tuple(references))
            for case in cases
            for answer, references in zip(case["expected"]["tokens_hyps"], case["expected"]["tokens_refs"], strict=True)
        ]
    )
    for case in cases:
        expected = true[case["id"]]
        for name, key in (("spice", "SPICE"), ("spider", "SPIDEr")):
            _, measures, value = scored(name, captions(case))
            assert value / 100 == pytest.approx(expected[key], abs=1e-4)
            assert [measure.value / 100 for measure in measures] == pytest.approx(expected[f"{key}_per"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("spice_files")
def test_odd_captions_break_nothing_and_two_runs_at_once_do_not_meet():
    texts = ["", "? 😀", "مرحبا بالعالم", "x" * 10_000, 'a "dog" \\ barks', "a dog barks"]
    given = [Caption(text, ("a dog barks", "")) for text in texts]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda tool: tool.scores(given), [SpiceTool(), SpiceTool()])
    assert first == second
    assert first[0] == 0.0
    assert first[-1] == 1.0


@pytest.mark.slow
@pytest.mark.usefixtures("spice_files")
def test_a_spice_that_never_runs_leaves_captions_unscored_with_the_reason(monkeypatch):
    monkeypatch.setattr(spice, "_HEAP_MB", 64)
    starts = []
    run = SpiceTool._run
    monkeypatch.setattr(SpiceTool, "_run", lambda tool, texts: starts.append(len(texts)) or run(tool, texts))
    found = SpiceTool().scores([Caption(f"a dog barks {n} times", ("a dog barks",)) for n in range(8)])
    assert all(isinstance(fault, JavaFault) for fault in found)
    assert "SPICE ended without a result (it needs more than its 64 MB of memory)" in str(found[0])
    assert starts == [8, 1]


def test_what_spice_lacks_is_told_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for name in ("spice", "spider"):
        why = availability()[name] or ""
        assert why.startswith(f"metric '{name}' is not at hand: SPICE needs stanford-corenlp-3.6.0.jar")
        assert "salmonn-eval doctor --fetch spice" in why
        assert check_settings(name, {}) == why
    with pytest.raises(PrerequisiteError, match="doctor --fetch spice"):
        SpiceTool().scores([Caption("a dog", ("a dog",))])
    assert availability()["cider"] is None


@pytest.mark.usefixtures("spice_files")
def test_the_signature_of_spider_names_both_halves_and_the_references(captions, golden, context):
    scorer = build("spider", {}, context)
    scorer.prepare(sample for sample, _, _ in captions(golden("captions")[0]))
    signature = str(scorer.signature)
    assert "|spice:1.0|parser:corenlp-3.6.0|" in signature
    assert "|variant:d|" in signature
    assert "|idf:" in signature


def test_a_caption_that_ends_spice_costs_itself_alone_and_is_remembered(monkeypatch, tmp_path):
    """Stands in for the program only: a real one takes minutes to run out of memory."""
    batches = []

    def run(tool, texts):
        batches.append([text.answer for text in texts])
        if any("guilty" in text.answer for text in texts):
            raise JavaFault("SPICE ended")
        return [len(text.answer) / 10 for text in texts]

    monkeypatch.setattr(SpiceTool, "_run", run)
    tool = SpiceTool()
    tool._files = SpiceFiles(tmp_path, ())
    given = [Caption(text, ("a",)) for text in ("a", "bb", "guilty", "ccc", "dddd", "also guilty")]
    found = tool.scores(given)
    assert [str(score) for score in found] == ["0.1", "0.2", "SPICE ended", "0.3", "0.4", "SPICE ended"]
    count = len(batches)
    assert tool.scores(given) == found
    assert len(batches) == count
