"""Fingerprints of anything that may be asked or answered."""

import pytest

from salmonn_eval.canonical import canonical, fingerprint
from salmonn_eval.records import Variant


def test_order_of_keys_does_not_count_and_values_do() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_a_default_that_is_named_changes_nothing() -> None:
    assert canonical(Variant()) == canonical(Variant(prompt_set="release", seed=0)) == b"{}"


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\u2028", "😀", "العربية"])
def test_any_text_has_a_fingerprint_of_its_own(text: str) -> None:
    assert fingerprint([text]) != fingerprint([text + "x"])
    assert len(fingerprint([text])) == 16
