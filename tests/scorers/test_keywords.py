"""Keyword extraction: what hits, what does not, and what a copy of the transcript earns."""

from collections.abc import Callable

import numpy as np
import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.base import Answer, Scorer, ScorerContext
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.registry import build

Make = Callable[..., Answer]
TALKS = [
    (
        "We describe a wireless sensor network for glacier monitoring, and a routing protocol that survives long "
        "outages. Energy harvesting keeps the nodes alive in winter.",
        ("wireless sensor network", "glacier monitoring", "routing protocol", "energy harvesting"),
    ),
    (
        "This talk is about speech emotion recognition with self-supervised features. Transfer learning helps when "
        "labelled corpora are small.",
        ("speech emotion recognition", "self-supervised features", "transfer learning"),
    ),
    (
        "Protein folding was long thought to be too hard for computers. Attention networks changed that, and drug "
        "discovery follows.",
        ("protein folding", "attention networks", "drug discovery"),
    ),
]


def scorer(matching: str = "exact") -> Scorer:
    return build("keyword_accuracy", {"matching": matching}, ScorerContext("ke", "en"))


def score(scoring: Scorer, *answers: Answer) -> float:
    stats = np.array([measure.stats for measure in scoring.measure(answers)])
    return float(scoring.combine(stats, np.ones(len(stats))))


@pytest.mark.parametrize(
    ("text", "hits", "wanted"),
    [
        ("glacier monitoring, routing protocol, energy harvesting", 3, 3),
        ("Glacier-Monitoring; ROUTING PROTOCOL\nand energy harvesting.", 3, 3),
        ("1. sensor network\n2. glacier\n3. harvesting", 3, 3),
        ("The keywords are: glacier, energy, and protocol.", 3, 3),
        ("network sensor, monitoring glacier", 0, 3),
        ("glaciers, protocols", 0, 3),
        ("a wireless sensor network, sensors", 0, 3),
        ("wireless, sensor, network", 1, 3),
        ("glacier, glacier, glacier", 1, 3),
        ("wireless sensor network, glacier monitoring, routing protocol, energy harvesting", 3, 3),
        ("", 0, 3),
    ],
)
def test_pieces_hit_keys_one_to_one(text: str, hits: int, wanted: int, answer: Make) -> None:
    (measure,) = scorer().measure([answer(text, *TALKS[0][1])])
    assert measure.stats == (hits, wanted)


def test_the_largest_matching_counts_not_the_first_found(answer: Make) -> None:
    """Greedily, `network` would take `neural network` away from the piece that fits nothing else."""
    (measure,) = scorer().measure([answer("network, neural", "neural network", "sensor network")])
    assert measure.stats == (2, 2)
    assert measure.answer == "network, neural"


def test_stop_words_alone_never_hit_but_a_key_may_hold_them(answer: Make) -> None:
    first, second = scorer().measure([answer("of, the, internet", "internet of the things"), answer("who", "who")])
    assert (first.stats, first.answer) == ((1, 1), "internet")
    assert second.stats == (1, 1)


def test_stems_match_where_words_do_not(answer: Make) -> None:
    given = answer("monitored glaciers, routing protocols, harvest", *TALKS[0][1])
    assert score(scorer("exact"), given) == 0
    assert score(scorer("stemmed"), given) == pytest.approx(2 / 3)
    assert "match:porter" in str(scorer("stemmed").signature)
    assert "match:exact" in str(scorer("exact").signature)


def test_a_copy_of_the_transcript_does_not_win(answer: Make) -> None:
    """Looking for gold keys in the answer would have given a copied transcript everything: 1.00 instead of 0."""
    copies = [answer(text, *keys) for text, keys in TALKS]
    contained = [sum(plain(key) in plain(text) for key in keys[:3]) / 3 for text, keys in TALKS]
    assert np.mean(contained) == 1.0
    assert score(scorer(), *copies) == 0.0
    assert score(scorer("stemmed"), *copies) == 0.0
    keywords = [answer(", ".join(keys[:3]), *keys) for _, keys in TALKS]
    assert score(scorer(), *keywords) == 1.0


def test_the_sum_of_hits_is_over_the_sum_of_what_was_wanted(answer: Make) -> None:
    given = [answer("a thing", "one", "two", "three", "four"), answer("solar", "solar")]
    assert score(scorer(), *given) == pytest.approx(1 / 4)
    samples = [sample for sample, _, _ in given]
    assert [scorer().worst(sample).tolist() for sample in samples] == [[0, 3], [0, 1]]
    assert [scorer().best(sample).tolist() for sample in samples] == [[3, 3], [1, 1]]


def test_a_sample_without_keys_is_unscored(answer: Make) -> None:
    (measure,) = scorer().measure([answer("anything", "...")])
    assert (measure.status, measure.why) == ("unscored", "the sample has no gold key")


def test_it_is_for_english_only() -> None:
    for language, found in (("de", "is 'de'"), (None, "is not known")):
        with pytest.raises(UsageError, match=f"handles en only, but the answers' language {found}"):
            build("keyword_accuracy", {}, ScorerContext("ke", language))


def test_published_keys_of_abstracts_score_in_full_and_their_text_hardly(shared: object, answer: Make) -> None:
    """Inspec's own keys and the beginning of one abstract."""
    import json
    from pathlib import Path

    folder = Path(str(shared)) / "samples" / "formats" / "inspec.test_only"
    keys = {
        name: tuple(spellings[0] for spellings in found)
        for name, found in json.loads((folder / "test.uncontr.sample.json").read_text("utf-8")).items()
    }
    assert score(scorer(), *(answer(", ".join(found[:3]), *found) for found in keys.values())) == 1.0
    document = json.loads((folder / "1955.excerpt.json").read_text("utf-8"))
    text = document["title"] + ". " + document["abstract_first_sentences"]
    contained = [key for key in keys["1955"] if plain(key) in plain(text)]
    assert len(contained) >= 3
    assert score(scorer(), answer(text, *keys["1955"])) == 0.0
