import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from salmonn_eval.errors import UsageError
from salmonn_eval.models import registry
from salmonn_eval.records import Prediction, Variant


class NoAudio:
    """Replay never listens."""

    def waveforms(self, request):
        raise AssertionError("replay asked for audio")


@pytest.fixture
def answers_file(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def load(file: Path):
    card = registry.resolve("replay", {"answers": str(file)})
    return registry.load(card, device="auto", dtype="float32", batch_size=None)


def write(file: Path, *rows: object) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("key", ["prediction", "pred_text", "answer", "text"])
@pytest.mark.parametrize("id_key", ["id", "sample_id"])
def test_answer_is_found_by_sample_whatever_its_key(answers_file, make_requests, key, id_key):
    write(answers_file, {id_key: "b", key: "二"}, {id_key: "a", key: ""})
    found = list(load(answers_file).generate(make_requests(["a", "b"]), NoAudio()))
    assert found == [Prediction("a", "", "unknown"), Prediction("b", "二", "unknown")]


def test_reference_beside_a_prediction_is_not_taken_for_the_answer(answers_file, make_requests):
    """A manifest of recognition results: `text` is the reference, `pred_text` the answer; other keys say nothing."""
    write(answers_file, {"id": 7, "audio_filepath": "x.wav", "duration": 1.5, "text": "right", "pred_text": "write"})
    (found,) = load(answers_file).generate(make_requests(["7"]), NoAudio())
    assert found.text == "write"


def test_most_selective_fitting_row_wins(answers_file, make_requests):
    write(
        answers_file,
        {"id": "a", "text": "any"},
        {"id": "a", "task": "asr", "text": "task"},
        {"id": "a", "dataset": "some-set", "text": "dataset"},
        {"id": "a", "task": "asr", "dataset": "some-set", "text": "task and dataset"},
        {"id": "a", "task": "er", "dataset": "some-set", "prompt_set": "release", "text": "never"},
        {"id": "a", "lora_scale": 2, "text": "scale"},
        {"id": "a", "task": "asr", "lora_scale": 2.0, "condition": "none", "text": "task, scale, condition"},
        {"id": "a", "prompt_set": "paraphrase-1", "condition": "silence", "lora_scale": 2, "text": "silence"},
    )
    model = load(answers_file)
    (request,) = make_requests(["a"])

    def answer(**changes) -> str | None:
        (found,) = model.generate([replace(request, **changes)], NoAudio())
        return found.text

    assert answer() == "task and dataset"
    assert answer(dataset="other") == "task"
    assert answer(task="gr") == "dataset"
    assert answer(task="gr", dataset="other") == "any"
    assert answer(variant=Variant(lora_scale=2.0)) == "task, scale, condition"
    assert answer(task="gr", dataset="other", variant=Variant(lora_scale=2.0)) == "scale"
    assert answer(variant=Variant(2.0, "paraphrase-1", "silence")) == "silence"


def test_at_equal_number_the_earlier_selector_wins(answers_file, make_requests):
    write(
        answers_file, {"id": "a", "dataset": "some-set", "text": "dataset"}, {"id": "a", "task": "asr", "text": "task"}
    )
    (found,) = load(answers_file).generate(make_requests(["a"]), NoAudio())
    assert found.text == "task"


def test_sample_without_an_answer_is_an_error_and_the_others_go_on(answers_file, make_requests):
    write(answers_file, {"id": "a", "text": "one"}, {"id": "b", "task": "er", "text": "angry"})
    missing_a, found = load(answers_file).generate(make_requests(["b", "a"]), NoAudio())
    assert (missing_a.finish, missing_a.text) == ("error", None)
    assert missing_a.error == "no answer for sample b (asr:some-set) in the answers file"
    assert found.text == "one"


def test_recorded_error_and_cut_answer_are_kept(answers_file, make_requests):
    write(answers_file, {"id": "a", "error": "timed out"}, {"id": "b", "text": "half", "finish": "length"})
    found = list(load(answers_file).generate(make_requests(["a", "b"]), NoAudio()))
    assert found == [Prediction("a", None, "error", error="timed out"), Prediction("b", "half", "length")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": "b", "text": "caf\xe9"}', "not a valid answer"),
        (b'{"id": "b", "other": "caf\xe9", "text": "x"}', "not a valid answer"),
        (b'{"id": "b", "text": ', "not a valid answer"),
        (b'["b", "x"]', "not a valid answer"),
        (b'{"id": "b", "text": 3}', "not a valid answer"),
        (b'{"text": "x"}', "no sample is named"),
        (b'{"id": "b"}', "no answer"),
        (b'{"id": "b", "text": "x", "answer": "y"}', "both `answer` and `text`"),
        (b'{"id": "b", "finish": "error"}', "does not say why"),
        (b'{"id": "b", "text": "x", "finish": "stop"}', "not a valid answer"),
    ],
)
def test_broken_row_is_told_with_file_and_line(answers_file, line, said):
    answers_file.write_bytes(b'{"id": "a", "text": "x"}\n\n' + line + b"\n")
    with pytest.raises(UsageError) as caught:
        load(answers_file)
    assert str(caught.value).startswith(f"{answers_file}:3: ")
    assert said in str(caught.value)


def test_second_answer_to_the_same_question_names_both_lines(answers_file):
    rows = [{"id": str(number), "text": "x"} for number in range(50)]
    write(answers_file, *rows, {"id": "7", "task": "asr", "text": "fine"}, {"id": "7", "text": "again"})
    with pytest.raises(UsageError, match=rf"{answers_file}:8 and {answers_file}:52: two answers to sample 7"):
        load(answers_file)


def test_empty_file_answers_nothing(answers_file, make_requests):
    answers_file.write_bytes(b"")
    (found,) = load(answers_file).generate(make_requests(["a"]), NoAudio())
    assert found.finish == "error"


def test_last_line_may_lack_its_newline(answers_file, make_requests):
    answers_file.write_bytes(b'{"id": "a", "text": "one"}\r\n{"id": "b", "text": "two"}')
    assert [p.text for p in load(answers_file).generate(make_requests(["b", "a"]), NoAudio())] == ["two", "one"]


def test_log_probabilities_are_refused(answers_file, make_requests):
    write(answers_file, {"id": "a", "text": "x"})
    with pytest.raises(UsageError, match="gives no log-probabilities"):
        list(load(answers_file).logprobs(make_requests(["a"]), ["yes"], NoAudio()))


def test_requests_are_pulled_lazily(answers_file, make_requests):
    write(answers_file, {"id": "a", "text": "x"}, {"id": "b", "text": "y"})
    pulled = []

    def requests():
        for request in make_requests(["a", "b"]):
            pulled.append(request.key)
            yield request

    stream = load(answers_file).generate(requests(), NoAudio())
    assert next(stream).text == "x"
    assert pulled == ["a"]


def test_published_outputs_of_salmonn_7b_are_replayed(shared, answers_file, make_requests):
    import gzip

    with gzip.open(shared / "reference" / "audiobench_salmonn7b_test_clean.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    texts = [row["prediction"] for row in rows]
    write(answers_file, *({"id": f"row-{place}", "prediction": text} for place, text in enumerate(texts)))
    found = list(load(answers_file).generate(make_requests(f"row-{place}" for place in range(len(texts))), NoAudio()))
    assert len(found) == 2617
    assert [prediction.text for prediction in found] == texts


def test_memory_does_not_hold_the_texts(answers_file):
    """4,000 rows of 20,000 characters are 80 MB of text; the process that answers them all stays far below."""
    row = json.dumps({"id": "ID", "prediction": "word " * 4_000})
    with answers_file.open("w") as file:
        file.writelines(row.replace("ID", f"s{number}") + "\n" for number in range(4_000))
    program = (
        "import resource, sys\n"
        "from salmonn_eval.models import registry\n"
        "from salmonn_eval.records import Generation, Request, Variant\n"
        "base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "card = registry.resolve('replay', {'answers': sys.argv[1]})\n"
        "model = registry.load(card, device='cpu', dtype='float32', batch_size=None)\n"
        "g, v = Generation(1), Variant()\n"
        "ask = (Request(f'k{i}', 'asr', 'd', f's{i}', '', (), g, v) for i in range(3_999, -1, -1))\n"
        "n = sum(len(p.text) == 20_000 for p in model.generate(ask, None))\n"
        "print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(answers_file)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(registry.__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    answered, megabytes = map(int, done.stdout.split())
    assert answered == 4_000
    assert megabytes < 40
