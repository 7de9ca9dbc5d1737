from pathlib import Path

import pytest

from salmonn_eval.bundled import bundled
from salmonn_eval.errors import UsageError
from salmonn_eval.models.cards import read_card, take_arguments
from salmonn_eval.models.protocol import Capabilities
from salmonn_eval.models.template import write_card
from salmonn_eval.yamlfile import YamlError

GOOD = """\
name: some
backend: replay
description: "A card."
template: "USER: {instruction}"
audio:
  max_s: 30
  min_s: 1
capabilities:
  beams: true
generation:
  num_beams: 4
arguments:
  answers: {help: "a file", required: true}
  depth: {help: "a number", default: 3}
  loud: {help: "a switch", default: false}
  note: {help: "a text"}
"""


@pytest.fixture
def card_file(tmp_path: Path) -> Path:
    path = tmp_path / "some.yaml"
    path.write_text(GOOD)
    return path


@pytest.mark.parametrize("path", sorted(bundled("model").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_bundled_card_is_valid(path):
    card = read_card(path)
    assert card.description.endswith((".", ")"))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("name: some", "name: other", 1, "the name is `other`; expected the file's own, `some`"),
        ("backend: replay", "backend: replay\ncolour: red", 3, "unknown key `colour`; expected one of: name, backend,"),
        ("USER: {instruction}", "USER:", 4, "the template lacks `{instruction}`"),
        ("max_s: 30", "max_s: 0.5", 6, "max_s is 0.5"),
        ("max_s: 30", "max_s: long", 6, "`audio.max_s`: expected `float | null`, got `str`"),
        ("min_s: 1", "longest: 1", 7, "unknown key `longest` in `audio`"),
        ("min_s: 1", "long_audio: chop", 7, "expected one of: error, keep, truncate"),
        ("beams: true", "beams: false", 11, "num_beams is 4, but"),
        ("beams: true", "wings: true", 9, "unknown key `wings` in `capabilities`"),
        ("num_beams: 4", "num_beams: 0", 11, "`generation.num_beams`: expected `int` >= 1"),
        ("num_beams: 4", "num_beems: 4", 11, "unknown key `num_beems` in `generation`"),
        ("num_beams: 4", "num_beams: 4\ndefault_lora_scale: 4.0", 12, "go together"),
        ("num_beams: 4", "num_beams: 4\nquick_limit: 0", 12, "`quick_limit`: expected `int` >= 1"),
        ("required: true", "default: x, required: true", 13, "is required and has a default"),
        ("note: {", "note: {beside: true, ", 16, "is said to lie beside the card and its default is None"),
        ("depth: {help:", "depth: {halp:", 14, "unknown key `halp` in `arguments.depth`"),
        ("note: {", "api_key: {", 16, "the argument `api_key` is named like a secret"),
        ("note: {", "HF_TOKEN: {", 16, "the argument `HF_TOKEN` is named like a secret"),
        ("note: {", "client-secret: {", 16, "read the secret from the environment"),
        ("loud: {", "password: {", 15, "the argument `password` is named like a secret"),
    ],
)
def test_broken_card_is_told_with_file_and_line(card_file, old, new, line, said):
    assert old in GOOD
    card_file.write_text(GOOD.replace(old, new))
    with pytest.raises(YamlError) as caught:
        read_card(card_file)
    fault = next(fault for fault in caught.value.faults if fault.line == line)
    assert said in fault.message
    assert f"{card_file}:{line}: " in str(caught.value)


def test_arguments_take_the_type_of_their_default(card_file):
    card = read_card(card_file)
    assert take_arguments(card, {"answers": "x.jsonl"}) == {"answers": "x.jsonl", "depth": 3, "loud": False}
    given = {"answers": "x.jsonl", "depth": "5", "loud": "true", "note": "5"}
    assert take_arguments(card, given) == {"answers": "x.jsonl", "depth": 5, "loud": True, "note": "5"}


def test_default_beside_the_card_is_found_from_any_working_folder(card_file, tmp_path):
    card_file.write_text(GOOD.replace("note: {", "note: {beside: true, default: weights/small, "))
    card, required = read_card(card_file), {"answers": "x.jsonl"}
    assert take_arguments(card, required, tmp_path)["note"] == str(tmp_path / "weights" / "small")
    assert take_arguments(card, required | {"note": "weights"}, tmp_path)["note"] == "weights"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs --model-arg answers=...: a file"),
        ({"answers": "x", "depht": "3"}, "has no such argument; it takes: answers, depth, loud, note"),
        ({"answers": "x", "depth": "deep"}, "--model-arg depth=deep: model `some` expects int, like 3"),
    ],
)
def test_unfit_argument_is_a_usage_error(card_file, given, said):
    with pytest.raises(UsageError) as caught:
        take_arguments(read_card(card_file), given)
    assert said in str(caught.value)


def test_new_card_is_valid_and_never_overwrites(tmp_path):
    path = write_card("my-model", tmp_path / "cards")
    card = read_card(path)
    assert (card.name, card.backend, card.template) == ("my-model", "whisper", "{instruction}")
    assert card.capabilities == Capabilities(logprobs=True, beams=True)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        write_card("my-model", tmp_path / "cards")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", "a/b"])
def test_new_card_refuses_a_name_that_is_no_file_name(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a model"):
        write_card(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_new_card_says_when_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_card("my-model", tmp_path / "file" / "below")
