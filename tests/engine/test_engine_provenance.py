"""What a run says of its making; secrets never."""

import json
import platform

import pytest

from salmonn_eval import __version__
from salmonn_eval.engine.provenance import provenance, redacted

SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "words",
    [
        ["--model-arg", f"api_key={SECRET}"],
        [f"--model-arg=api_key={SECRET}"],
        ["--model-arg", f"key={SECRET}"],
        [f"HF_TOKEN={SECRET}"],
        [f"OPENAI_API_KEY={SECRET}=="],
        ["--token", SECRET],
        [f"--auth-token={SECRET}"],
        ["--api-key", SECRET],
        ["--model-arg", f"db.password={SECRET}"],
        ["--model-arg", f"client-secret={SECRET}\n{SECRET}"],
    ],
)
def test_what_is_named_like_a_secret_is_struck_out(words: list[str]) -> None:
    shown = redacted(["salmonn-eval", "run", *words, "--tasks", "asr"])
    assert SECRET not in " ".join(shown)
    assert "***" in " ".join(shown)
    assert len(shown) == len(words) + 4
    assert (shown[:2], shown[-2:]) == (["salmonn-eval", "run"], ["--tasks", "asr"])


@pytest.mark.parametrize("value", ["hf_abcdefghijklmnopqrstuvwxyz", "sk-proj-abcdefghijklmnop1234"])
def test_what_looks_like_a_token_is_struck_out_wherever_it_stands(value: str) -> None:
    assert value not in " ".join(redacted(["--data", f"corpus=https://x/{value}/y"]))


@pytest.mark.parametrize(
    "words",
    [
        ["--generation", "max_new_tokens=20"],
        ["--data", "keywords=/data/inspec"],
        ["--tasks", "ke:monkey"],
        ["--model-arg", "ckpt=/models/tokenizer=v2"],
        ["--metric", "wer(normalizer=none)"],
    ],
)
def test_what_is_no_secret_stays_so_that_the_command_can_be_repeated(words: list[str]) -> None:
    assert redacted(words) == words


def test_provenance_names_versions_and_is_json() -> None:
    found = json.loads(json.dumps(provenance(["salmonn-eval", "run", "--token", SECRET], "cpu")))
    assert (found["salmonn_eval"], found["python"]) == (__version__, platform.python_version())
    assert {"numpy", "soundfile", "rapidfuzz"} <= set(found["packages"])
    assert SECRET not in json.dumps(found)
