import json
import random

import numpy as np
import pytest
from clip_source import Clips
from rapidfuzz.distance import Levenshtein

from salmonn_eval.errors import UsageError
from salmonn_eval.models import registry
from salmonn_eval.waveform import SAMPLE_RATE, Waveform

# From the package's phone set; `sil` is ours for SIL.
PHONES = set(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH sil".split()
)


def load(batch_size: int | None = None):
    card = registry.resolve("pocketsphinx", {})
    return registry.load(card, device="cpu", dtype="float32", batch_size=batch_size)


def texts(model, requests, clips) -> dict[str, str]:
    found = list(model.generate(requests, clips))
    assert [prediction.key for prediction in found] == [request.key for request in requests]
    return {prediction.key: prediction.text for prediction in found}


def halves(clips: Clips) -> list[str]:
    """The names of the clips of about one second."""
    return [name for name in clips.waveforms_by_key if name.endswith("half")]


def test_phones_of_real_speech_do_not_depend_on_order_neighbours_or_threads(real_clips, make_requests):
    requests = make_requests(halves(real_clips)[:3], task="pr")
    fresh = {request.key: texts(load(1), [request], real_clips)[request.key] for request in requests}
    assert all(set(text.split()) <= PHONES and len(text.split()) > 2 for text in fresh.values())
    one = load(1)
    assert texts(one, requests, real_clips) == fresh
    shuffled = requests.copy()
    random.Random(1).shuffle(shuffled)
    assert texts(one, shuffled, real_clips) == fresh
    assert texts(load(2), shuffled, real_clips) == fresh


@pytest.mark.slow
def test_words_of_real_speech_do_not_depend_on_order_or_neighbours(real_clips, make_requests):
    requests = make_requests(halves(real_clips)[:3], task="asr")
    fresh = {request.key: texts(load(1), [request], real_clips)[request.key] for request in requests}
    assert texts(load(1), requests[::-1], real_clips) == fresh


@pytest.mark.slow
def test_words_and_phones_of_one_clip(real_clips, make_requests):
    """The shortest clip, "You didn't want to come"; a recogniser of this age gets about half of the words."""
    name = "3005-163389-0007"
    (asr,), (pr,) = make_requests([name]), make_requests([name], task="pr")
    words, phones = load(1).generate([asr, pr], real_clips)
    assert words.finish == phones.finish == "eos"
    assert words.text == words.text.lower()
    assert {"you", "want"} <= set(words.text.split())
    assert not set(words.text.split()) <= PHONES


def test_tasks_it_cannot_do_are_errors_of_the_request(real_clips, make_requests):
    requests = make_requests(["x"], task="er") + make_requests(["y"], clips=2)
    for prediction in load().generate(requests, real_clips):
        assert prediction.finish == "error"
        assert "asr and pr of one clip" in prediction.error


@pytest.mark.parametrize("task", ["asr", "pr"])
def test_a_clip_without_samples_is_an_empty_answer_and_no_error(make_requests, task):
    clips = Clips({"none": Waveform(np.zeros(0, np.float32))})
    (prediction,) = load(1).generate(make_requests(["none"], task=task), clips)
    assert (prediction.text, prediction.finish, prediction.error) == ("", "eos", None)


def test_digital_silence_is_answered(make_requests):
    clips = Clips({"silence": Waveform(np.zeros(SAMPLE_RATE, np.float32))})
    (prediction,) = load(1).generate(make_requests(["silence"], task="pr"), clips)
    assert prediction.finish == "eos"
    assert set(prediction.text.split()) <= PHONES


def test_a_fault_of_the_audio_leaves_the_model_usable(real_clips, make_requests):
    model = load(2)
    names = halves(real_clips)[:2]
    with pytest.raises(KeyError):
        list(model.generate(make_requests(["unknown", names[0]], task="pr"), real_clips))
    assert all(texts(model, make_requests(names, task="pr"), real_clips).values())


def test_full_scale_samples_do_not_wrap_around(make_requests):
    from salmonn_eval.models.pocketsphinx import _pcm16

    samples = np.array([-1.5, -1.0, 0.0, 0.5, 1.0, 1.5], np.float32)
    assert np.frombuffer(_pcm16(Waveform(samples)), "<i2").tolist() == [-32768, -32768, 0, 16384, 32767, 32767]


def test_log_probabilities_are_refused(make_requests, real_clips):
    with pytest.raises(UsageError, match="gives no log-probabilities"):
        load().logprobs(make_requests(["x"]), ["yes"], real_clips)


@pytest.mark.slow
def test_phone_error_rate_on_real_speech_stays_where_it_was_measured(shared, make_requests):
    """Ten clips of LibriSpeech test-other against lexicon phones, stress folded."""
    import soundfile

    folder = shared / "samples"
    lines = (folder / "annotations" / "librispeech_test_other.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if not row["labels"]["phones_oov"]][:10]
    clips = Clips({row["id"]: Waveform(soundfile.read(folder / row["audio"], dtype="float32")[0]) for row in rows})
    heard = texts(load(), make_requests(clips.waveforms_by_key, task="pr"), clips)
    edits = units = 0
    for row in rows:
        reference = [phone.rstrip("012") for phone in row["labels"]["phones_lexicon"].split()]
        edits += Levenshtein.distance([p for p in heard[row["id"]].split() if p != "sil"], reference)
        units += len(reference)
    assert edits / units < 0.70
