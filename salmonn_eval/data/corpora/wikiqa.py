"""WikiQA: a TSV of questions with candidate sentences, right and wrong (Yang et al. 2015). Text only: see `spoken`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from salmonn_eval.data.annotated import Item
from salmonn_eval.data.corpora.layout import find
from salmonn_eval.data.corpora.text import TSV, table
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Sample
from salmonn_eval.tasks.spec import DatasetSpec

_COLUMNS = ("QuestionID", "Question", "Sentence", "Label")
_LABELS: Mapping[str, bool] = {"1": True, "0": False}


def read_wikiqa(dataset: DatasetSpec, folder: Path) -> Iterator[Item]:
    """The questions of `WikiQA-SPLIT.tsv` without audio; references are the sentences that answer them, often none."""
    name = f"WikiQA-{dataset.split or 'test'}.tsv"
    path = find(dataset, folder, (name, f"WikiQACorpus/{name}"), name)
    lines: dict[str, int] = {}
    questions: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    for number, row in table(path, _COLUMNS, TSV, "WikiQA's sentences"):
        id_, question = row["QuestionID"], row["Question"].strip()
        if row["Label"] not in _LABELS:
            raise UsageError(f"{path}:{number}: Label is {row['Label']!r}; expected 1 (answers the question) or 0")
        if questions.setdefault(id_, question) != question:
            raise UsageError(
                f"{path}:{number}: {id_} asks {question!r}, but {questions[id_]!r} in line {lines[id_]}; "
                "expected one question an id"
            )
        lines.setdefault(id_, number)
        if _LABELS[row["Label"]]:
            answers.setdefault(id_, []).append(row["Sentence"].strip())
    for id_, question in questions.items():
        sample = Sample(id_, (), {"transcript": question}, tuple(answers.get(id_, ())))
        yield Item(str(path), lines[id_], sample)
