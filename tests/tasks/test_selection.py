import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.selection import Selection, find_task, select
from salmonn_eval.tasks.spec import Suite


def names(selection: Selection) -> list[str]:
    return [f"{item.task.spec.id}:{item.dataset_id}" for item in selection.selected]


def test_a_group_takes_what_the_suite_has_and_tells_what_it_lacks(bundled_tasks: Catalogue) -> None:
    found = select(bundled_tasks, ["level1"], "mini-real")
    assert names(found) == [f"{task}:mini-real" for task in ("asr", "er", "osr", "pr", "sv")]
    assert all(item.by_group for item in (*found.selected, *found.not_in_suite))
    assert [item.task.spec.id for item in found.not_in_suite] == ["aac", "en2zh", "mc"]
    assert {item.suite for item in found.not_in_suite} == {"mini-real"}


def test_all_is_the_fifteen_and_extra_the_others(bundled_tasks: Catalogue) -> None:
    everything = select(bundled_tasks, ["all"], "paper")
    assert len({item.task.spec.id for item in everything.selected}) == 15
    assert not everything.not_in_suite
    extra = select(bundled_tasks, ["extra"], "mini-real")
    assert {item.task.spec.id for item in extra.selected} | {item.task.spec.id for item in extra.not_in_suite} == {
        "aqa",
        "gr",
        "mqa",
        "sqa",
    }


def test_a_task_means_its_datasets_of_the_suite_in_the_definition_s_order(bundled_tasks: Catalogue) -> None:
    found = select(bundled_tasks, ["asr"], "paper")
    assert names(found) == ["asr:librispeech-test-clean", "asr:librispeech-test-other", "asr:gigaspeech-test"]
    assert not any(item.by_group for item in found.selected)


def test_a_task_named_singly_that_the_suite_lacks_is_told_apart(bundled_tasks: Catalogue) -> None:
    (absent,) = select(bundled_tasks, ["aac"], "mini-real").not_in_suite
    assert (absent.task.spec.id, absent.by_group) == ("aac", False)


def test_a_dataset_named_singly_is_meant_whatever_its_suite(bundled_tasks: Catalogue) -> None:
    found = select(bundled_tasks, ["asr:librispeech-test-clean"], "mini")
    assert names(found) == ["asr:librispeech-test-clean"]
    assert not found.not_in_suite


def test_lists_join_overlap_and_keep_the_catalogue_s_order(bundled_tasks: Catalogue) -> None:
    found = select(bundled_tasks, ["pr, level1", "asr,pr"], "mini-real")
    assert names(found) == [f"{task}:mini-real" for task in ("asr", "er", "osr", "pr", "sv")]
    assert [item.by_group for item in found.selected] == [False, True, True, False, True]
    assert select(bundled_tasks, ["asr,pr,level1"], "mini-real") == found


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("levl1", "there is no task or group `levl1`; did you mean `level1`"),
        ("ars", "there is no task or group `ars`; did you mean `asr`"),
        (
            "asr:librispeech-test-clear",
            "has no dataset `librispeech-test-clear`; did you mean `librispeech-test-clean`",
        ),
        ("asrr:mini-real", "there is no task `asrr`; did you mean `asr`"),
        ("zzzz", "expected one of: level1, level2, level3, all, extra, aac, asr"),
        ("asr:", "has no dataset ``; expected one of: mini, mini-real"),
        ("", "no task is named"),
        (" , ", "no task is named"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known(bundled_tasks: Catalogue, name: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        select(bundled_tasks, [name], "mini")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("suite", ["mini", "mini-real", "paper"])
def test_every_task_is_selected_or_accounted_for(bundled_tasks: Catalogue, suite: Suite) -> None:
    found = select(bundled_tasks, ["all", "extra"], suite)
    ids = {item.task.spec.id for item in found.selected}
    absent = {item.task.spec.id for item in found.not_in_suite}
    assert not ids & absent
    assert len(ids | absent) == 19


def test_a_task_is_found_by_id_or_suggested(bundled_tasks: Catalogue) -> None:
    assert find_task(bundled_tasks, "sf").spec.title == "Slot filling"
    with pytest.raises(UsageError, match="did you mean `story`"):
        find_task(bundled_tasks, "stori")
