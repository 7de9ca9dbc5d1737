import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.data.audio import decode
from salmonn_eval.data.conditions import swap_partners
from salmonn_eval.records import AudioPolicy, AudioRef, Clip

OPEN = AudioPolicy()


def test_silence_is_zeros_of_the_clip_s_own_length(recordings, speech):
    heard = decode(Clip((AudioRef(str(recordings[0])),), condition="silence"), OPEN).samples
    assert np.array_equal(heard, np.zeros_like(speech[0]))


def test_noise_has_the_clip_s_length_and_level_and_follows_the_seed(recordings, speech):
    def noise(path, seed):
        return decode(Clip((AudioRef(str(path)),), condition="noise", condition_seed=seed), OPEN).samples

    first = noise(recordings[0], 1)
    assert first.dtype == np.float32 and len(first) == len(speech[0])
    assert np.std(first) == pytest.approx(np.sqrt(np.mean(speech[0].astype(float) ** 2)), rel=0.02)
    assert abs(np.corrcoef(first, speech[0])[0, 1]) < 0.03
    assert np.array_equal(first, noise(recordings[0], 1))
    assert not np.array_equal(first, noise(recordings[0], 2))
    other = noise(recordings[1], 1)[:8000]
    assert abs(np.corrcoef(first[:8000], other)[0, 1]) < 0.1


def test_noise_depends_on_what_is_heard_and_not_on_where_the_file_lies(recordings, tmp_path):
    moved = tmp_path / "elsewhere.flac"
    moved.write_bytes(recordings[0].read_bytes())
    sha256 = hashlib.sha256(moved.read_bytes()).hexdigest()
    clips = [Clip((AudioRef(str(path), sha256=sha256),), condition="noise") for path in (recordings[0], moved)]
    here, there = (decode(clip, OPEN).samples for clip in clips)
    assert np.array_equal(here, there)


def test_the_noise_of_silence_is_silence(write):
    path = write("silence.wav", np.zeros(800, np.float32))
    wave = decode(Clip((AudioRef(str(path)),), condition="noise"), OPEN)
    assert wave.silent and not wave.samples.any()


def test_swapped_leaves_the_sound_alone(recordings, speech):
    assert np.array_equal(decode(Clip((AudioRef(str(recordings[0])),), condition="swapped"), OPEN).samples, speech[0])


def samples(contents):
    return [(Clip((AudioRef(f"{number}.flac", sha256=content),)),) for number, content in enumerate(contents)]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30), st.integers(0, 1000))
def test_partners_are_a_derangement_with_as_few_equal_contents_as_can_be(contents, seed):
    partners = swap_partners(samples(contents), seed)
    assert sorted(partners) == list(range(len(contents)))
    assert all(partner != index for index, partner in enumerate(partners))
    most = max(contents.count(content) for content in contents)
    same = sum(contents[partner] == contents[index] for index, partner in enumerate(partners))
    assert same == max(0, 2 * most - len(contents))


def test_partners_follow_the_seed():
    clips = samples(map(str, range(50)))
    assert swap_partners(clips, 3) == swap_partners(clips, 3)
    assert swap_partners(clips, 3) != swap_partners(clips, 4)
    assert swap_partners(clips[:1], 0) == [0]
    assert swap_partners([], 0) == []
