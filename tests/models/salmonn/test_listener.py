"""Clips encoded ahead in threads are what they are when encoded one by one."""

import pytest
import torch
from parity import case, network

from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
from salmonn_eval.models.salmonn.listener import CLIPS_AHEAD, Listener, is_small
from salmonn_eval.waveform import Waveform


@pytest.fixture(scope="module")
def hearing():
    return network(case("model/P2_eos").folder).hearing


@pytest.fixture(scope="module")
def asked():
    """More requests than go ahead, on clips of unequal length, some of them the same, some without a clip."""
    wave = case("model/P2_eos").waves()[0].float()
    clips = [Waveform(wave[start : start + 16_000 + 3_000 * start].numpy().copy()) for start in range(5)]
    return [(number, () if number % 7 == 3 else (clips[number % 5],)) for number in range(CLIPS_AHEAD + 9)]


def listener(hearing, threads: int) -> Listener:
    return Listener(hearing, EncoderCache(upstream(hearing)), threads)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_give_the_same_bits_in_the_same_order(hearing, asked, threads):
    alone = list(listener(hearing, 0).along(asked))
    ahead = list(listener(hearing, threads).along(asked))
    assert [number for number, _ in ahead] == [number for number, _ in alone] == [number for number, _ in asked]
    for (_, one), (_, other) in zip(alone, ahead, strict=True):
        assert len(one) == len(other)
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_fault_of_one_clip_comes_in_its_turn_and_the_threads_of_operations_are_given_back(hearing, asked):
    before = torch.get_num_threads()
    broken = [*asked[:3], (3, (Waveform(torch.zeros(10).numpy()),)), *asked[4:]]
    heard = listener(hearing, 2).along(broken)
    assert [next(heard)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises((RuntimeError, ValueError)):
        next(heard)
    assert torch.get_num_threads() == before


def test_only_networks_on_a_cpu_that_are_small_are_encoded_in_threads(hearing):
    assert is_small(hearing)
    with torch.device("meta"):
        assert not is_small(torch.nn.Linear(10, 10))
    assert not is_small(torch.nn.Linear(8_000, 8_000))
