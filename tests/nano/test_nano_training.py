"""Encoders, language model and stages of salmonn-nano: shapes, targets, resuming, and that parts fit together."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from salmonn_eval.models.salmonn import frontend
from salmonn_eval.nano.encoders import audio, loop, speech
from salmonn_eval.nano.encoders.heads import CtcHead
from salmonn_eval.nano.encoders.targets import NOT, said, target, words
from salmonn_eval.nano.language.soft import softened
from salmonn_eval.nano.scene import Music, Scene, Utterance
from salmonn_eval.nano.sound.pool import Row, _rows
from salmonn_eval.nano.sound.voices import voices


def test_targets_say_what_a_clip_holds():
    first, second = voices("train")[0].id, voices("train")[7].id
    mixed = target(Scene(1, (Utterance("the boy sang", first), Utterance("anna slept", second)), arrangement="mixed"))
    assert (said(mixed.first), said(mixed.second), mixed.parts) == ("the boy sang", "anna slept", ())
    joined = target(Scene(1, (Utterance("the boy sang", first), Utterance("anna slept", second)), arrangement="joined"))
    assert (said(joined.first), joined.second, joined.parts) == ("the boy sang anna slept", (), (0, 7))
    assert (joined.sex, joined.emotion) == (NOT, NOT)
    angry = target(Scene(1, (Utterance("anna slept", second, "angry"),), events=("bell",)))
    assert (angry.emotion, angry.events, angry.tempo) == (3, (7,), NOT)
    music = target(Scene(1, music=Music("fast", "minor", "organ")))
    assert (music.tempo, music.mode, music.instrument, music.first) == (1, 1, 2, ())
    assert len(words()) == len(set(words())) > 250


def test_ctc_reads_the_best_path():
    head = CtcHead(3, 2, pool=2)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(3) * 9)
        head.linear.bias.zero_()
    path = torch.eye(3)[[1, 1, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2]][None]
    assert head.read(path, [12]) == [[1, 1, 2]]
    assert head.read(path, [6]) == [[1]]
    assert float(head.loss(path, [12], [(1, 1, 2)])) < float(head.loss(path, [12], [(2, 2, 1)]))


def test_the_teacher_listens_as_the_network_does():
    """At the whole length the short-cut through the encoder's layers is the library's own forward."""
    torch.manual_seed(1)
    teacher = speech.SpeechTeacher(speech.CONFIG).eval()
    wave = torch.from_numpy(np.random.default_rng(1).standard_normal(30_000).astype(np.float32) * 0.1)
    mels = frontend.log_mel([wave], speech.CONFIG.num_mel_bins, speech.CONFIG.samples)
    with torch.no_grad():
        ours, theirs = teacher.listen(mels), teacher.encoder(mels).last_hidden_state
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_the_audio_encoder_is_of_the_releases_kind():
    outputs = audio.AudioTeacher(audio.CONFIG).encoder([torch.zeros(160, 128), torch.zeros(96, 128)])
    assert [tuple(one.shape) for one in outputs] == [(80, 128), (48, 128)]


def test_soft_words_keep_their_order_and_are_followed_by_silence():
    words_ = torch.eye(6) * 10
    silence = torch.full((6,), -3.0)
    lengths = set()
    for seed in range(40):
        soft = softened(words_, silence, Random(seed), 29)
        lengths.add(len(soft))
        heard = [int(row.argmax()) for row in soft if row.max() > 4]
        assert heard == sorted(heard), seed
        assert torch.equal(soft, softened(words_, silence, Random(seed), 29))
    assert {6, 29} <= lengths


def test_training_stopped_and_continued_is_the_same(tmp_path):
    def train(folder: Path, steps: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        module = torch.nn.Linear(4, 2)

        def loss_of(step: int) -> tuple[torch.Tensor, dict[str, float]]:
            batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
            return (module(batch) - batch[:, :2]).square().mean(), {}

        loop.train(module, loss_of, loop.Schedule(steps, 0.05, warmup=2), folder, note=lambda text: None)
        return {name: tensor.clone() for name, tensor in module.state_dict().items()}

    whole = train(tmp_path / "whole", 6)
    # A second process would find the state of step 3: what a kill leaves.
    parts = tmp_path / "parts"
    torch.manual_seed(3)
    module = torch.nn.Linear(4, 2)

    def loss_of(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if step == 3:
            raise KeyboardInterrupt
        batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        return (module(batch) - batch[:, :2]).square().mean(), {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_SAVE_EVERY_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            loop.train(module, loss_of, loop.Schedule(6, 0.05, warmup=2), parts, note=lambda text: None)
    again = train(parts, 6)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_pool_row_is_one_line():
    import msgspec

    row = Row(Scene(1, events=("dog",)), 0, 160)
    assert msgspec.json.decode(msgspec.json.encode(row), type=Row) == row
    assert _rows(Path("pool"), 7).name == "shard-0007.jsonl"
