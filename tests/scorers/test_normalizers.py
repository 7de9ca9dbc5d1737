"""Normalizers against Whisper's own classes and golden texts."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

import hashlib
import random
import unicodedata
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.normalize import NORMALIZERS, normalizer
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.normalize.whisper import spelling_table, whisper_basic, whisper_english

ODD = (
    "and a half|the|Mr|mrs.|St|dr.|won't|can't|he's been|y'all|i'ma|imma|gonna|repn't|o'clock|'s|'d gone|uh|um,|hmm|'|"
    "''|1|2,000|$5|$|%|10%|3.5|.5|a.b.|ok?|--|well-known|été|he\u2019s|£35|(laughs)|[x]|<unk>|0|1960s|21st|per cent|"
    "percent|\x1f|\x00|~|^|=|+|#|&|*|_|/|\\|@|¢7|€0.50|ß|Œuvre|ﬁne|१२|２"
).split("|")


@pytest.fixture(scope="module")
def english() -> Callable[[str], str]:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer(spelling_table())


@pytest.fixture(scope="module")
def vocabulary(english: Any) -> list[str]:
    """Every word that the normalizer knows to treat, and oddities."""
    table = list(spelling_table())
    return [*english.standardize_numbers.words, *table[:: len(table) // 150], *ODD]


def test_the_spelling_table_is_openais() -> None:
    data = resources.files("salmonn_eval.scorers.normalize").joinpath("english.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "6607f948be9824d2e1b2fa2223cd94c06c45afa4e05ea0e3d5e1f2bdffde2465"


def test_whisper_en_equals_the_golden_texts(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    normalize = normalizer("whisper-en", "en")
    for case in golden("wer_whisper"):
        for side in ("hyps", "refs"):
            assert [normalize(text) for text in case[side]] == [
                text.strip() for text in case["expected"][f"norm_{side}"]
            ]


def test_whisper_en_equals_transformers_on_random_word_strings(
    english: Callable[[str], str], vocabulary: list[str]
) -> None:
    normalize = whisper_english()
    generator = random.Random(11)
    for _ in range(1_500):
        pieces = generator.choices(vocabulary, k=generator.randint(0, 9))
        text = "".join(piece + generator.choice([" ", " ", " ", "", " '", "'", ", ", ". "]) for piece in pieces)
        assert normalize(text) == english(text).strip(), text


@given(st.text(st.sampled_from("abcdehlmnorstw'.,$%0123 -’é(<½"), max_size=30))
def test_whisper_en_equals_transformers_on_random_characters(text: str) -> None:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    assert normalizer("whisper-en", "en")(text) == EnglishTextNormalizer(spelling_table())(text).strip()


@given(st.text(max_size=30))
def test_whisper_basic_equals_transformers(text: str) -> None:
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer

    assert whisper_basic()(text) == BasicTextNormalizer()(text).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("YOU DON'T MEAN THAT!", "you don't mean that"),
        ("He said: “don’t” – twice.", "he said don't twice"),
        ("'tis the dogs' owner's hat", "tis the dogs owner's hat"),
        ("a well-known  3,5\tplace", "a well known 3 5 place"),
        ("Größe, schön!", "größe schön"),
        ("今天天气很好，走吧。", "今天天气很好 走吧"),
        ("हिन्दी में", "हिन्दी में"),
        ("...", ""),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == unicodedata.normalize("NFC", expected)


@given(st.text(max_size=40))
def test_plain_is_settled_after_one_pass_and_keeps_no_punctuation(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not [char for char in once if unicodedata.category(char)[0] in "PS" and char != "'"]


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_plain_does_with_ascii_what_it_does_with_everything(text: str) -> None:
    assert plain(text + " é") == f"{plain(text)} é".strip()


@pytest.mark.parametrize("language", ["de", "zh", None])
def test_whisper_en_is_refused_for_other_languages(language: str | None) -> None:
    with pytest.raises(UsageError, match="for en only, but the answers' language is"):
        normalizer("whisper-en", language)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_every_normalizer_loads_and_is_versioned(name: str) -> None:
    assert isinstance(normalizer(name, "en")("Hello, world"), str)
    assert str(NORMALIZERS[name]) == f"{name}.{NORMALIZERS[name].version}"
