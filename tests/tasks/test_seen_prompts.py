from pathlib import Path

import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.prompts import render, template_of
from salmonn_eval.tasks.seen_prompts import load_seen_prompts
from salmonn_eval.tasks.selection import find_task
from salmonn_eval.tasks.spec import TaskSpec


def specs(tasks: Catalogue) -> list[TaskSpec]:
    return [task.spec for task in tasks.tasks]


def test_the_release_s_wordings_are_found_by_its_own_keys(bundled_tasks: Catalogue, data: Path) -> None:
    seen = load_seen_prompts(data / "seen.json", specs(bundled_tasks)).wordings
    assert seen["asr"] == (
        "Recognize the speech and give me the transcription.",
        "What is the content of the speech you heard?",
    )
    assert set(seen) == {"asr", "sf", "sqa", "aqa", "mqa"}


def test_a_placeholder_becomes_the_task_s_variable(bundled_tasks: Catalogue, data: Path) -> None:
    seen = load_seen_prompts(data / "seen.json", specs(bundled_tasks))
    slot = template_of(find_task(bundled_tasks, "sf").spec, None, "seen-1", seen)
    assert render(slot, {"slot": "event_name"}) == "According to the speech, what is the event name?"
    question = template_of(find_task(bundled_tasks, "mqa").spec, None, "seen-1", seen)
    assert render(question, {"question": "Which key?"}) == "Which key?"


def test_every_task_knows_the_release_s_name_for_it(bundled_tasks: Catalogue) -> None:
    keys = {spec.id: spec.release_key for spec in specs(bundled_tasks)}
    assert keys == {
        "asr": "asr",
        "en2zh": "translation_ec",
        "aac": "audiocaption",
        "pr": "phone_recognition",
        "er": "emotion_recognition",
        "mc": "music_description",
        "osr": "speech_separation",
        "sv": "speaker_verification",
        "en2de": "translation_en2de",
        "en2ja": "translation_en2ja",
        "ke": "keywords",
        "sqqa": "speech_query",
        "sf": "slot_filling",
        "story": "audio_story_telling",
        "sac": "speech_audio_coreasoning",
        "gr": "gender_recognition",
        "sqa": "QA",
        "aqa": "QA",
        "mqa": "QA",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"asr": ["Write {} down."]}', "`asr`: 'Write {} down.' has 1 `{}`"),
        ('{"slot_filling": ["What is it?"]}', "`slot_filling`: 'What is it?' has 0 `{}`"),
        ('{"asr": "a sentence"}', "not a valid prompt file"),
        ('["a list"]', "not a valid prompt file"),
        ('{"asr": [', "not a valid prompt file"),
        ('{"other": ["x"]}', "no key belongs to a task"),
    ],
)
def test_a_prompt_file_of_another_form_is_refused(
    bundled_tasks: Catalogue, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_seen_prompts(file, specs(bundled_tasks))
    assert str(refused.value).startswith(str(file))
    assert sentence in str(refused.value)


def test_an_absent_prompt_file_is_named(bundled_tasks: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.json: cannot be read"):
        load_seen_prompts(tmp_path / "absent.json", specs(bundled_tasks))
