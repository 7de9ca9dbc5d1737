"""Caption metrics in a run: shared Java programs that end with it, references of the whole test set, missing files."""

from engine_runs import go, spec_of

from salmonn_eval.scorers.captions.spice_files import VARIABLE
from salmonn_eval.tasks.spec import MetricSpec

CAPTIONS = (MetricSpec("cider"), MetricSpec("rouge_l"), MetricSpec("spice"))


def test_a_run_scores_captions_says_what_is_missing_and_leaves_nothing_behind(recorded_card, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.delenv(VARIABLE, raising=False)
    values = {}
    for name, limit in (("whole", None), ("part", 5)):
        outcome = go(spec_of(recorded_card, metrics=CAPTIONS, limit=limit), tmp_path / name, score=True)
        assert outcome.exit_code == 0
        values[name] = {value.metric: value for value in outcome.values if value.reading == "all" and not value.group}
    whole, part = values["whole"], values["part"]
    assert whole["rouge_l"].value is not None and 80 < whole["rouge_l"].value < 100
    assert part["cider"].n_scored == 5
    assert part["cider"].signature == whole["cider"].signature
    assert whole["spice"].status == "missing"
    assert "doctor --fetch spice" in (whole["spice"].why or "")
    assert list(temporary.glob("salmonn-eval-java-*")) == []
