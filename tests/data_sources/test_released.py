"""The release's annotation files as test sets of their tasks, without conversion."""

import json
from pathlib import Path

import numpy as np
import pytest

from salmonn_eval.data.audio import decode
from salmonn_eval.data.released import released_tasks
from salmonn_eval.data.sources import open_source
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioPolicy
from salmonn_eval.tasks.discover import discover

# The keys of the release's files, and the tasks that they are.
KEYS = {
    "asr": "asr",
    "translation_ec": "en2zh",
    "translation_en2de": "en2de",
    "translation_en2ja": "en2ja",
    "audiocaption": "aac",
    "phone_recognition": "pr",
    "emotion_recognition": "er",
    "music_description": "mc",
    "speech_separation": "osr",
    "speaker_verification": "sv",
    "keywords": "ke",
    "speech_query": "sqqa",
    "slot_filling": "sf",
    "audio_story_telling": "story",
    "speech_audio_coreasoning": "sac",
}


def entry(task: str, text: str = "A text", **more: object) -> dict[str, object]:
    return {"path": "/data/on/another/machine/367-130732-0006.flac", "text": text, "task": task, **more}


def annotation(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "Test Clean.json"
    path.write_text(json.dumps({"annotation": entries}))
    return path


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_the_test_set_of_its_task(tmp_path: Path, key: str) -> None:
    file = annotation(tmp_path, entry(key, Q="person"), entry("unknown"))
    (task,) = released_tasks(discover().tasks, file, None)
    assert task.spec.id == KEYS[key]
    (name,) = task.spec.datasets
    dataset = task.spec.datasets[name]
    assert (name, dataset.suite, dataset.n_expected) == ("test-clean", "paper", 1)
    (item,) = open_source(dataset, Path(task.root), {}).items()
    assert (item.sample.labels or item.sample.references) == (("a text",) if task.spec.labels else ("A text",))


def test_audio_is_found_below_a_folder_and_further_files_follow(tmp_path: Path, recordings: list[Path]) -> None:
    more = ["/data/on/another/machine/2414-128291-0009.flac"]
    file = annotation(tmp_path, entry("speaker_verification", "No.", expand_wav=more))
    (task,) = released_tasks(discover().tasks, file, None)
    source = open_source(task.spec.datasets["test-clean"], Path(task.root), {"audio": recordings[0].parent})
    (sample,) = source.samples()
    assert sample.labels == ("no",)
    heard = decode(sample.clips[0], AudioPolicy()).samples
    parts = [decode(type(sample.clips[0])((part,)), AudioPolicy()).samples for part in sample.clips[0].parts]
    assert len(parts) == 2
    assert np.array_equal(heard, np.concatenate([parts[0], np.zeros(1_600, np.float32), parts[1]]))


def test_a_slot_and_a_question_fill_the_instruction(tmp_path: Path) -> None:
    file = annotation(tmp_path, entry("slot_filling", "pawel", Q="person"), entry("QA", "A dog", Q="What barks?"))
    with pytest.raises(UsageError, match=r"its 1 entries 'QA' may be of aqa, mqa, sqa; expected --task"):
        released_tasks(discover().tasks, file, None)
    tasks = {task.spec.id: task for task in released_tasks(discover().tasks, file, "aqa")}
    assert set(tasks) == {"sf", "aqa"}
    samples = {
        name: next(open_source(task.spec.datasets["test-clean"], tmp_path, {}).items()).sample
        for name, task in tasks.items()
    }
    assert samples["sf"].fields == {"slot": "person"} and samples["sf"].references == ("pawel",)
    assert samples["aqa"].fields == {"question": "What barks?"} and samples["aqa"].references == ("A dog",)


def test_a_file_of_other_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no entry belongs to a task \(its keys: count_word\)"):
        released_tasks(discover().tasks, annotation(tmp_path, entry("count_word")), None)
