from pathlib import Path
from typing import Literal

import pytest
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.yamlfile import YamlError, line_of, load, read


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["mini", "paper"]
    size: int | None = None
    words: tuple[str, ...] = ()


class Whole(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    parts: dict[str, Part] = {}
    rows: tuple[Part, ...] = ()


GOOD = """\
name: no
parts:
  one: {kind: mini}
  two:
    kind: paper
    words: [yes, no, on, 2026-11-25]
rows:
  - kind: mini
  - kind: paper
    size: 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.yaml"


def faults(file: Path, text: str) -> list[tuple[int, str]]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(YamlError) as caught:
        load(file, Whole)
    assert str(caught.value) == "\n".join(f"{file}:{f.line}: {f.message}" for f in caught.value.faults)
    return [(fault.line, fault.message) for fault in caught.value.faults]


def test_words_that_yaml_1_1_takes_for_booleans_and_dates_stay_text(file):
    file.write_text(GOOD)
    whole = load(file, Whole)
    assert whole.name == "no"
    assert whole.parts["two"].words == ("yes", "no", "on", "2026-11-25")
    assert read_scalar(file, "a: [true, False, 1, 1.5, null]") == [True, False, 1, 1.5, None]


def read_scalar(file: Path, text: str) -> object:
    file.write_text(text)
    return read(file).data["a"]


def test_every_unknown_key_is_told_with_its_line_and_what_may_stand_there(file):
    found = faults(file, GOOD + "    sise: 4\ncolour: red\n")
    assert found == [
        (11, "unknown key `sise` in `rows.1`; expected one of: kind, size, words"),
        (12, "unknown key `colour`; expected one of: name, parts, rows"),
    ]


def test_key_of_a_mapping_is_found_though_the_converter_does_not_name_it(file):
    text = GOOD.replace("    kind: paper\n    words", "    kind: papier\n    words")
    assert faults(file, text) == [(5, "`parts.two.kind`: invalid enum value 'papier'; expected one of: mini, paper")]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD.replace("size: 3", "size: three"), 10, "`rows.1.size`: expected `int | null`, got `str`"),
        (GOOD.replace("name: no\n", "# nothing\n"), 1, "the key `name` is missing; add it"),
        (GOOD.replace("- kind: mini", "- size: 1"), 8, "the key `kind` is missing in `rows.0`; add it"),
        (GOOD + "name: again\n", 11, "the key `name` stands here and on line 1; remove one of them"),
        (GOOD + "  - [\n", 12, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("name: !!python/object/apply:os.getcwd []\n", 1, "python/object/apply:os.getcwd has no meaning"),
        ("name: !!python/object/apply:os.getcwd x\n", 1, "could not determine a constructor"),
        ("name: &a [*a]\n", 1, "an anchor that contains itself"),
        ("? [a]\n: 1\n", 1, "a key that is not a word"),
        ("name: a\nparts: \x07\n", 1, "not valid YAML"),
        ("", 1, "expected `object`, got `null`"),
    ],
)
def test_fault_has_line_and_reason(file, text, line, said):
    ((found_line, message),) = faults(file, text)
    assert found_line == line
    assert said in message


def test_bytes_that_are_not_utf8_have_a_line(file):
    file.write_bytes(b"name: x\nparts: {}\n# caf\xe9\n")
    with pytest.raises(YamlError, match=r"some\.yaml:3: byte 23 is not UTF-8"):
        load(file, Whole)


def test_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml", Whole)


def test_merged_mapping_keeps_its_own_values(file):
    file.write_text("name: x\nparts:\n  one: &one {kind: mini, size: 1}\n  two: {<<: *one, size: 2}\n")
    assert load(file, Whole).parts["two"] == Part("mini", 2)


def test_line_of_an_entry_or_of_the_nearest_around_it(file):
    file.write_text(GOOD)
    assert line_of(file, ["parts", "two", "words"]) == 6
    assert line_of(file, ["rows", 1, "size"]) == 10
    assert line_of(file, ["parts", "one", "size"]) == 3
    assert line_of(file, ["nothing"]) == 1
    file.write_text("a: [")
    assert line_of(file, ["a"]) is None
