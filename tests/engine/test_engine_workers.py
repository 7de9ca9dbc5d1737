"""The process that scores beside the model."""

import multiprocessing
import os
import signal

import pytest
from engine_runs import go, recorded, replay, spec_of

from salmonn_eval.engine.workers import ScoringPool


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_for_the_whole_group_is_the_parent_s_to_act_on(tmp_path, number):
    card = replay(tmp_path / "answers.jsonl", recorded())
    run = go(spec_of(card, "asr:mini-real,pr:mini-real"), tmp_path / "runs", score=True).run
    with ScoringPool(run) as pool:
        first = pool.values("asr.mini-real")
        (worker,) = multiprocessing.active_children()
        os.kill(worker.pid, number)
        second = pool.values("pr.mini-real")
        assert worker.is_alive()
    assert first and second
    assert {value.task for value in second} == {"pr"}
