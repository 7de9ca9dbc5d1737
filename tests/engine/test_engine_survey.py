"""What `--dry-run` counts, and the time that earlier runs suggest."""

from pathlib import Path

import pytest
from engine_runs import OneByOne, card_of, go, mini_real, spec_of

from salmonn_eval.engine.rundir import Speed
from salmonn_eval.engine.survey import survey
from salmonn_eval.models.protocol import Capabilities
from salmonn_eval.records import Variant

HEARING = card_of(capabilities=Capabilities(audio=True))


def test_samples_requests_and_audio_are_counted_and_nothing_is_written(tmp_path: Path) -> None:
    variants = (Variant(), Variant(condition="silence"))
    found = survey(spec_of(HEARING, variants=variants), tmp_path / "out")
    assert [(plan.n_planned, plan.n_total) for plan in found.plans] == [(78, 78)]
    assert found.n_requests == 156
    assert found.audio_s == pytest.approx(2 * sum(row["duration_s"] for row in mini_real()), abs=0.2)
    assert found.seconds is None
    assert not (tmp_path / "out").exists()


def test_the_time_is_estimated_from_runs_of_the_same_model_only(tmp_path: Path) -> None:
    def finished(name: str, speed: Speed) -> None:
        card = card_of(name, capabilities=Capabilities(audio=True))
        run = go(spec_of(card, limit=1), tmp_path, OneByOne(card, lambda request: "a"), fresh=True).run
        run.update(speed={"all": speed})

    finished("in-test", Speed(answers=10, seconds=20.0, audio_s=100.0))
    finished("in-test", Speed(answers=10, seconds=40.0, audio_s=200.0))
    finished("another", Speed(answers=10, seconds=9_000.0, audio_s=1.0))
    heard = survey(spec_of(HEARING), tmp_path)
    assert heard.seconds == pytest.approx(heard.audio_s * 60 / 300)
    deaf = survey(spec_of(card_of(), limit=7), tmp_path)
    assert deaf.seconds == pytest.approx(7 * 60 / 20)
