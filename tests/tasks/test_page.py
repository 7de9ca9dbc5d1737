from pathlib import Path

from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.page import page

DOCS = Path(__file__).resolve().parents[2] / "docs" / "tasks"


def test_the_committed_pages_are_those_the_definitions_give(bundled_tasks: Catalogue) -> None:
    committed = {file.stem: file.read_text(encoding="utf-8") for file in DOCS.glob("*.md")}
    assert committed == {task.spec.id: page(task) for task in bundled_tasks.tasks}


def test_a_page_tells_all_that_its_definition_says(bundled_tasks: Catalogue) -> None:
    for task in bundled_tasks.tasks:
        text = page(task)
        spec = task.spec
        told = [spec.title, spec.instruction, *spec.paraphrases, spec.following.rule, spec.item_score]
        told += [metric.name for metric in spec.metrics] + [word for words in spec.labels.values() for word in words]
        for name, dataset in spec.datasets.items():
            told += [f"`{spec.id}:{name}`", dataset.cluster, *dataset.fields]
            told += filter(None, [dataset.get, dataset.licence, dataset.note, dataset.unavailable, dataset.items])
        assert [piece for piece in told if piece not in text] == []
