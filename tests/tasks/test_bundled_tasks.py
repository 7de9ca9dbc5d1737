"""The definitions that ship, held against the SALMONN release's prompts and the paper's test sets."""

import jinja2
import pytest
from msgspec import Struct

from salmonn_eval.bundled import bundled
from salmonn_eval.scorers.registry import availability, check_settings
from salmonn_eval.scorers.rules import check_rule
from salmonn_eval.tasks.checks import Known
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.prompts import prompt_sets, variables
from salmonn_eval.tasks.selection import find_task
from salmonn_eval.tasks.spec import TaskSpec
from salmonn_eval.tasks.validate import check_places


class Row(Struct):
    level: int
    instruction: str
    headlines: set[str]
    rule: str
    cap: int
    cluster: str
    sizes: tuple[int, ...]


TRANSLATE = "Listen to the speech and translate it into {}."
STORY = "Based on the audio, write a story in detail. Your story should be highly related to the audio."
REASON = "Use your strong reasoning skills to answer the speaker's question in detail based on the background sound."
FIFTEEN = {
    "asr": Row(
        1, "Recognize the speech and give me the transcription.", {"wer"}, "words", 200, "speaker", (2620, 2939)
    ),
    "en2zh": Row(1, TRANSLATE.format("Chinese"), {"bleu"}, "script_han", 200, "speaker", (15531,)),
    "aac": Row(1, "Please describe the audio.", {"meteor", "spider"}, "sentence", 200, "clip", (975,)),
    "pr": Row(1, "Provide the phonetic transcription for the speech.", {"per"}, "phones", 400, "speaker", (2620,)),
    "er": Row(1, "Describe the emotion of the speaker in one word.", {"accuracy"}, "one_label", 20, "item", (1241,)),
    "mc": Row(
        1,
        "Listen to this music clip and describe the music.",
        {"coco_bleu4", "rouge_l"},
        "sentence",
        200,
        "clip",
        (2858,),
    ),
    "osr": Row(
        1,
        "Please write down what you hear each person says.",
        {"osr_wer"},
        "two_utterances",
        400,
        "both speakers",
        (3000,),
    ),
    "sv": Row(
        1,
        "Do you only hear the same person talking? Answer yes or no.",
        {"accuracy"},
        "yes_no",
        20,
        "both speakers",
        (37720, 37611),
    ),
    "en2de": Row(2, TRANSLATE.format("German"), {"bleu"}, "german", 200, "speaker", (15531,)),
    "en2ja": Row(2, TRANSLATE.format("Japanese"), {"bleu"}, "script_kana", 200, "speaker", (15531,)),
    "ke": Row(2, "Give me only three keywords of the text.", {"keyword_accuracy"}, "short_list", 100, "item", (500,)),
    "sqqa": Row(
        2,
        "Please answer the question in detail.",
        {"judge_accuracy", "following_rate"},
        "answers_speech",
        200,
        "item",
        (633,),
    ),
    "sf": Row(
        2,
        "According to the speech, what is the {{ slot }}?",
        {"slot_accuracy", "following_rate"},
        "answers_speech",
        100,
        "speaker",
        (),
    ),
    "story": Row(3, STORY, {"diversity", "following_rate"}, "story", 200, "clip", (975,)),
    "sac": Row(3, REASON, {"judge_accuracy", "following_rate"}, "answers_speech", 200, "item", ()),
}
LANGUAGES = {"en2zh": "zh", "en2de": "de", "en2ja": "ja"}


def task(tasks: Catalogue, task_id: str) -> TaskSpec:
    return find_task(tasks, task_id).spec


def test_there_are_the_fifteen_and_four_extra_tasks(bundled_tasks: Catalogue) -> None:
    assert {found.spec.id for found in bundled_tasks.tasks if not found.spec.extra} == set(FIFTEEN)
    assert {found.spec.id for found in bundled_tasks.tasks if found.spec.extra} == {"gr", "sqa", "aqa", "mqa"}


def test_every_definition_validates_against_the_scorers_that_ship() -> None:
    tasks, findings = check_places([bundled("tasks")], Known(availability(), check_settings, check_rule))
    assert len(tasks) == 19
    assert [str(finding) for finding in findings if finding.level == "error"] == []


def test_every_named_metric_is_one_of_the_metric_ids(known: Known) -> None:
    _, findings = check_places([bundled("tasks")], known)
    assert {(finding.level, finding.message) for finding in findings} == {("note", known.metrics["meteor"])}


@pytest.mark.parametrize("task_id", FIFTEEN)
def test_a_task_asks_and_scores_as_the_paper_does(bundled_tasks: Catalogue, task_id: str) -> None:
    spec, row = task(bundled_tasks, task_id), FIFTEEN[task_id]
    assert (spec.level, spec.instruction, spec.following.rule) == (row.level, row.instruction, row.rule)
    assert spec.generation == {"max_new_tokens": row.cap, "num_beams": 4}
    assert spec.language == LANGUAGES.get(task_id, "en")
    paper = [dataset for dataset in spec.datasets.values() if dataset.suite == "paper"]
    assert paper
    for dataset in paper:
        metrics = dataset.metrics or spec.metrics
        assert {metric.name for metric in metrics if metric.headline} == row.headlines
        assert dataset.cluster in {row.cluster, "aid"}
    assert set(row.sizes) <= {dataset.n_expected for dataset in paper}


def test_every_dataset_says_how_to_get_it_and_how_big_it_is_unless_it_cannot_be_had(bundled_tasks: Catalogue) -> None:
    for found in bundled_tasks.tasks:
        for name, dataset in found.spec.datasets.items():
            assert dataset.get, f"{found.spec.id}:{name}"
            assert dataset.unavailable or (dataset.n_expected and dataset.licence), f"{found.spec.id}:{name}"


def test_what_nobody_can_have_as_in_the_paper_says_so(bundled_tasks: Catalogue) -> None:
    remade = {
        found.spec.id
        for found in bundled_tasks.tasks
        if any(dataset.unavailable for dataset in found.spec.datasets.values())
    }
    assert remade == {"sac", "sv", "ke", "sqqa", "sf", "pr", "sqa", "aqa", "mqa"}


def test_five_paraphrases_a_task_all_different_and_with_the_instruction_s_variables(bundled_tasks: Catalogue) -> None:
    for found in bundled_tasks.tasks:
        wordings = {text.casefold().strip(" .?!") for text in prompt_sets(found.spec).values()}
        assert len(wordings) == 6, found.spec.id
        assert {variables(text) for text in found.spec.paraphrases} == {variables(found.spec.instruction)}


def test_no_paraphrase_is_a_release_wording(bundled_tasks: Catalogue) -> None:
    # The test prompts of the release are training prompts too, so no task may borrow another task's instruction.
    instructions = {found.spec.instruction for found in bundled_tasks.tasks} - {"{{ question }}"}
    for found in bundled_tasks.tasks:
        assert not instructions & set(found.spec.paraphrases)


def test_closed_labels_have_spellings_that_belong_to_one_label_only(bundled_tasks: Catalogue) -> None:
    assert set(task(bundled_tasks, "er").labels) == {"neutral", "happy", "sad", "angry"}
    assert set(task(bundled_tasks, "gr").labels) == {"male", "female"}
    assert set(task(bundled_tasks, "sv").labels) == {"yes", "no"}
    for found in bundled_tasks.tasks:
        spellings = [spelling for each in found.spec.labels.values() for spelling in each]
        assert len(spellings) == len(set(spellings))
        assert all(label in each for label, each in found.spec.labels.items())


def test_recognition_is_scored_with_the_named_normalizers(bundled_tasks: Catalogue) -> None:
    asr, phones = task(bundled_tasks, "asr"), task(bundled_tasks, "pr")
    assert [(metric.name, metric.settings) for metric in asr.metrics[:3]] == [
        ("wer", {"normalizer": "whisper-en"}),
        ("wer", {"normalizer": "plain"}),
        ("cer", {"normalizer": "plain"}),
    ]
    assert [metric.settings["phone_set"] for metric in phones.metrics[:2]] == ["stress", "folded39"]
    embedded = phones.datasets["mini-real"].metrics
    assert embedded is not None
    assert embedded[0].settings == {"phone_set": "folded39"}


def test_templates_hold_plain_variables_only(bundled_tasks: Catalogue) -> None:
    for found in bundled_tasks.tasks:
        for text in prompt_sets(found.spec).values():
            nodes = jinja2.Environment().parse(text).body
            assert all(isinstance(node, jinja2.nodes.Output) for node in nodes)
