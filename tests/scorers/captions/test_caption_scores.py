"""Caption metrics equal pycocoevalcap's and aac-metrics' to 1e-6, clip by clip and over the test set."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salmonn_eval.errors import UsageError
from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.base import ScorerContext
from salmonn_eval.scorers.captions.bleu import CocoBleu4
from salmonn_eval.scorers.captions.captions import Caption
from salmonn_eval.scorers.captions.meteor import Meteor
from salmonn_eval.scorers.captions.rouge import rouge_l
from salmonn_eval.scorers.registry import build

NAMES = {"coco_bleu4": "Bleu_4", "cider": "CIDEr", "rouge_l": "ROUGE_L"}
CASES = (
    "pub-cap-all pub-cap-first10 pub-cap-one-ref pub-cap-var-refs pub-cap-shuffled-hyps pub-cap-capitalised "
    "pub-cap-odd pub-cap-two-clips pub-cap-single-clip pub-cap-self"
).split()


@pytest.fixture
def case(golden):
    by_id = {case["id"]: case for case in golden("captions")}
    assert sorted(by_id) == sorted(CASES)
    return by_id.__getitem__


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("id_", CASES)
def test_corpus_and_clip_values_are_those_of_the_tools(case, captions, scored, name, id_):
    """sacrebleu gives 0 where coco-caption's BLEU4 is 1e-5 (no 4-gram matches): coco adds 1e-15 and 1e-9 to counts."""
    expected = case(id_)["expected"]
    _, measures, value = scored(name, captions(case(id_)))
    assert value / 100 == pytest.approx(expected[NAMES[name]], abs=1e-6)
    if name != "coco_bleu4":
        clips = [measure.value / 100 for measure in measures]
        assert clips == pytest.approx(expected[NAMES[name] + "_per"], abs=1e-6)


@pytest.mark.parametrize("id_", CASES)
def test_meteor_is_a_formula_of_its_summed_statistics(case, context, id_):
    """The mean over clips is another number; an answer equal to its reference adds no chunk, as the program sums."""
    expected = case(id_)["expected"]
    meteor = Meteor({}, context)
    stats = np.array(expected["METEOR_stats"])
    whole = float(meteor.combine(stats, np.ones(len(stats))))
    assert whole / 100 == pytest.approx(expected["METEOR"], abs=1e-6)
    clips = [float(meteor.combine(row[None, :], np.ones(1))) / 100 for row in stats]
    assert clips == pytest.approx(expected["METEOR_per"], abs=1e-6)
    if id_ == "pub-cap-all":
        assert abs(whole / 100 - np.mean(clips)) > 1e-3


def test_meteor_draws_of_a_bootstrap_are_the_values_of_the_drawn_clips(case, context):
    meteor = Meteor({}, context)
    stats = np.array(case("pub-cap-all")["expected"]["METEOR_stats"])
    drawn = np.random.default_rng(12_345).integers(0, len(stats), (50, len(stats)))
    weights = np.array([np.bincount(row, minlength=len(stats)) for row in drawn], dtype=float)
    values = meteor.combine(stats, weights)
    assert values.shape == (50,)
    alone = [float(meteor.combine(stats[row], np.ones(len(row)))) for row in drawn]
    assert values == pytest.approx(alone)


@pytest.mark.parametrize("name", NAMES)
def test_order_and_parts_change_nothing_after_one_prepare(case, captions, context, name):
    given_ = captions(case("pub-cap-all"))
    scorer = build(name, {}, context)
    scorer.prepare(sample for sample, _, _ in given_)
    whole = [measure.stats for measure in scorer.measure(given_)]
    parts = [measure.stats for part in (given_[:5], given_[5:6], given_[6:]) for measure in scorer.measure(part)]
    assert parts == whole
    shuffled = random.Random(1).sample(given_, len(given_))
    other = build(name, {}, context)
    other.prepare(sample for sample, _, _ in shuffled)
    assert str(other.signature) == str(scorer.signature)
    stats = np.array([measure.stats for measure in other.measure(shuffled)])
    ones = np.ones(len(whole))
    assert float(other.combine(stats, ones)) == pytest.approx(float(scorer.combine(np.array(whole), ones)))


def test_cider_counts_all_references_of_the_test_set_whatever_is_asked(case, captions, context):
    given_ = captions(case("pub-cap-all"))
    scorer = build("cider", {}, context)
    scorer.prepare(sample for sample, _, _ in given_)
    few = [measure.value / 100 for measure in scorer.measure(given_[:10])]
    assert few == pytest.approx(case("pub-cap-all")["expected"]["CIDEr_per"][:10], abs=1e-6)
    assert few != pytest.approx(case("pub-cap-first10")["expected"]["CIDEr_per"], abs=1e-3)


def test_the_references_of_cider_stand_in_its_signature(case, captions, scored):
    signatures = {str(scored("cider", captions(case(id_)))[0].signature) for id_ in CASES[:4]}
    assert len(signatures) == 4
    assert all("|idf:" in signature for signature in signatures)


def test_cider_without_the_references_is_refused(case, captions, context):
    with pytest.raises(UsageError, match="needs all references of the test set first"):
        list(build("cider", {}, context).measure(captions(case("pub-cap-odd"))))


@pytest.mark.parametrize("name", NAMES)
def test_ends_are_where_an_empty_and_a_copied_answer_would_be(case, captions, context, name):
    given_ = captions(case("pub-cap-var-refs"))
    scorer = build(name, {}, context)
    scorer.prepare(sample for sample, _, _ in given_)
    ones = np.ones(len(given_))
    samples = [sample for sample, _, _ in given_]
    worst, best = (
        float(scorer.combine(np.array([end(sample) for sample in samples]), ones))
        for end in (scorer.worst, scorer.best)
    )
    assert worst == pytest.approx(0, abs=1e-6)
    copied = [
        max(
            scorer.combine(np.array([measure.stats]), np.ones(1)).item()
            for text in sample.references
            for measure in scorer.measure([(sample, request, Prediction("k", text, "eos"))])
        )
        for sample, request, _ in given_
    ]
    assert best == pytest.approx(np.mean(copied), abs=1e-6)
    assert worst < float(scorer.combine(np.array([m.stats for m in scorer.measure(given_)]), ones)) < best


def test_what_cannot_be_scored_is_told_and_counted_out(context):
    request = Request("k", "aac", "d", "s", "", (), Generation(200), Variant())
    fine = Sample("a", references=("a dog barks",))

    def answer(sample, text):
        return sample, request, Prediction("k", text, "eos")

    given_ = [
        answer(fine, "a dog barks"),
        answer(Sample("b"), "a dog"),
        answer(Sample("c", references=("...", "")), "a dog"),
        answer(fine, "x" * 20_001),
        answer(Sample("d", references=("a " * 4_001,)), "a dog"),
        answer(fine, ""),
    ]
    measures = list(build("rouge_l", {}, context).measure(given_))
    assert [measure.status for measure in measures] == ["scored", *["unscored"] * 4, "scored"]
    assert [measure.why for measure in measures[1:5]] == [
        "the sample has no reference",
        "no word of the references is left after tokenizing",
        "the answer has more than 20000 characters",
        "the reference has more than 4000 words",
    ]
    assert measures[0].value == pytest.approx(100)
    assert measures[5].value == 0
    assert [m.status for m in build("meteor", {}, context).measure([answer(fine, "word " * 501)])] == ["unscored"]


@pytest.mark.parametrize("name", ["meteor", "cider", "rouge_l", "coco_bleu4"])
@pytest.mark.parametrize("language", ["zh", "de-DE", None])
def test_captions_in_another_language_are_refused(name, language):
    with pytest.raises(UsageError, match=f"metric '{name}' handles en only"):
        build(name, {}, ScorerContext("aac", language))


WORDS = st.lists(st.sampled_from("a dog cat barks meows and the".split()), max_size=12).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(WORDS, st.lists(WORDS.filter(bool), min_size=1, max_size=4))
def test_rouge_is_the_formula_over_longest_common_subsequences(answer, references):
    """Against a textbook recursion; no outside tool is needed to enumerate them."""

    def longest(a, b):
        table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, j in itertools.product(range(len(a)), range(len(b))):
            table[i + 1][j + 1] = table[i][j] + 1 if a[i] == b[j] else max(table[i][j + 1], table[i + 1][j])
        return table[-1][-1]

    words = answer.split()
    common = [(longest(words, reference.split()), len(reference.split())) for reference in references]
    recall = max(shared / length for shared, length in common)
    precision = max(shared for shared, _ in common) / len(words) if words else 0
    expected = 2.44 * precision * recall / (recall + 1.44 * precision) if recall and precision else 0
    assert rouge_l(Caption(answer, tuple(references))) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS.filter(bool)), min_size=1, max_size=6))
def test_coco_bleu_lies_between_0_and_100_and_is_100_on_long_copies(pairs):
    scorer = CocoBleu4({}, ScorerContext("aac", "en"))
    measures = scorer.score([Caption(answer, (reference,)) for answer, reference in pairs])
    value = float(scorer.combine(np.array([measure.stats for measure in measures]), np.ones(len(measures))))
    assert 0 <= value <= 100 + 1e-6
    (copy,) = scorer.score([Caption("a dog barks and", ("a dog barks and",))])
    assert copy.value is not None and math.isclose(copy.value, 100, abs_tol=1e-5)
