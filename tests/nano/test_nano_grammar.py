"""The grammar: large enough, the same for ever, nothing in two splits, exact in four languages."""

import re
from collections import Counter
from random import Random

import pytest

from salmonn_eval.nano.world.deal import dealt
from salmonn_eval.nano.world.grammar import build, draw_sentence, skeletons, spoken_words
from salmonn_eval.nano.world.lexicon import lexicon

HAN = r"一-鿿"
KANA = r"぀-ヿ"
# Accusative articles and adjective endings, as any German grammar lists them; the gender stands in the lexicon.
ENDINGS = {"m": ("einen", "den", "en"), "f": ("eine", "die", "e"), "n": ("ein", "das", ("es", "e"))}


@pytest.fixture(scope="module")
def sentences():
    """Three fillings of every skeleton."""
    rng = Random(7)
    return [build(rng, skeleton, lexicon()) for skeleton in skeletons() for _ in range(3)]


def test_there_are_enough_skeletons():
    found = list(skeletons())
    assert len(found) == len(set(found)) >= 250
    assert 15 <= sum(skeleton.unseen for skeleton in found) <= 30


def test_every_language_is_written_in_its_script(sentences):
    for sentence in sentences:
        assert re.fullmatch(r"[a-z]+( [a-z]+)*", sentence.text), sentence.text
        assert re.fullmatch(rf"[{HAN}]+", sentence.zh), sentence.zh
        assert re.fullmatch(rf"[{HAN}{KANA}ー々]+", sentence.ja), sentence.ja
        assert re.fullmatch(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüß]*(,? [A-Za-zÄÖÜäöüß]+)*", sentence.de), sentence.de
        assert "{" not in sentence.text + sentence.de + sentence.zh + sentence.ja


def test_words_are_all_known(sentences):
    known = spoken_words()
    assert 180 <= len(known) <= 260
    assert {word for sentence in sentences for word in sentence.text.split()} <= known


def test_german_nouns_agree_with_their_articles_and_adjectives(sentences):
    adjectives = {adjective.de for adjective in lexicon().adjectives}
    nouns = {noun.de: noun.gender for noun in (*lexicon().things, *lexicon().foods)}
    checked = 0
    for sentence in sentences:
        for article, adjective, noun in re.findall(r"\b(einen|eine|ein|den|die|das) (?:(\w+) )?(\w+)", sentence.de):
            if noun not in nouns or (adjective and not any(adjective.startswith(stem) for stem in adjectives)):
                continue
            indefinite, definite, ending = ENDINGS[nouns[noun]]
            assert article in (indefinite, definite), sentence.de
            endings = (ending,) if isinstance(ending, str) else (ending[article == "das"],)
            assert not adjective or any(adjective == stem + end for stem in adjectives for end in endings), sentence.de
            checked += 1
    assert checked > 100


def test_german_finite_verb_is_second_and_last_in_a_clause_with_dass(sentences):
    finite = {"hat", "ist", "wird", "will", "kann", "muss"}
    for sentence in sentences:
        main, _, embedded = sentence.de.partition(", dass ")
        if embedded:
            assert embedded.split()[-1] in finite, sentence.de
        elif sentence.skeleton.frame == "question":
            assert main.split()[0].lower() in finite, sentence.de


def test_what_is_said_to_be_done_is_marked_in_chinese_and_japanese(sentences):
    for sentence in sentences:
        frame = sentence.skeleton.frame
        assert (frame == "not") == ("没有" in sentence.zh), sentence.zh
        assert (frame == "question") == sentence.zh.endswith("吗") == sentence.ja.endswith("か")
        assert (frame == "not") == sentence.ja.endswith("ませんでした")


def test_splits_share_no_combination_and_no_text():
    rng = Random(3)
    drawn = {deal: [draw_sentence(rng, deal) for _ in range(300)] for deal in ("train", "dev", "test", "unseen")}
    for deal, found in drawn.items():
        for other, theirs in drawn.items():
            if deal != other:
                assert not {one.text for one in found} & {one.text for one in theirs}
    combinations = {deal: {one.combination for one in drawn[deal]} for deal in ("train", "dev", "test")}
    assert not combinations["train"] & (combinations["dev"] | combinations["test"])
    assert not {one.skeleton for one in drawn["train"]} & {one.skeleton for one in drawn["unseen"]}


def test_a_tenth_is_for_testing_whatever_the_process():
    shares = Counter(dealt(f"combination {number}") for number in range(4000))
    assert shares["test"] / 4000 == pytest.approx(0.10, abs=0.02)
    assert shares["dev"] / 4000 == pytest.approx(0.05, abs=0.02)
    assert [dealt(text) for text in ("a", "b", "c", "d", "e", "f", "g", "h")] == [
        dealt(text) for text in "abcdefgh"
    ]  # a hash of the text alone
    assert draw_sentence(Random(1), "test").text == draw_sentence(Random(1), "test").text
