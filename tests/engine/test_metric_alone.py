"""One metric over a file: the values of other tools, and what is said of a file that cannot be scored."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.engine.alone import score_file
from salmonn_eval.errors import PrerequisiteError, UsageError

METRICS = Path(__file__).resolve().parents[1] / "data" / "metrics"
FAMILIES: list[tuple[str, str, Mapping[str, str]]] = [
    ("wer_raw", "wer", {"normalizer": "none"}),
    ("wer_whisper", "wer", {"normalizer": "whisper-en"}),
    ("cer", "cer", {"normalizer": "none"}),
    ("cpwer", "cpwer", {"normalizer": "none"}),
    ("bleu_translation", "bleu", {}),
]
LANGUAGES = {"zh": "zh", "ja-mecab": "ja", "13a": "de"}


def cases(family: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((METRICS / f"{family}.json").read_text("utf-8"))["cases"]
    return found


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def lines(case: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for number, (hyp, ref) in enumerate(zip(case["hyps"], case["refs"], strict=True)):
        if isinstance(hyp, list):
            yield {"id": number, "hyps": hyp, "refs": ref}
        else:
            yield {"id": f"s{number}", "hyp": hyp, "refs": [ref]}


@pytest.mark.parametrize(("family", "metric", "settings"), FAMILIES)
def test_golden_values(family: str, metric: str, settings: Mapping[str, str], tmp_path: Path) -> None:
    for case in cases(family):
        tokenizer = case["settings"].get("tokenizer")
        more = {"tokenize": tokenizer} if metric == "bleu" else {}
        more |= {"spaces": case["settings"]["spaces"]} if metric == "cer" else {}
        found = score_file(
            metric,
            write(tmp_path / "answers.jsonl", lines(case)),
            {**settings, **more},
            language=LANGUAGES.get(tokenizer, "en"),
        )
        expected = case["expected"]["value"]
        if expected is None:
            assert found.value is None, case["id"]
        else:
            scale = 1 if metric == "bleu" else 100
            assert found.value == pytest.approx(scale * expected, abs=1e-6), case["id"]
        assert found.n_lines == found.n_scored == len(case["hyps"])


def test_golden_accuracies_take_the_labels_from_the_file(tmp_path: Path) -> None:
    for case in cases("accuracy"):
        if case["settings"]["normalise"] != "none":
            found = score_file("accuracy", write(tmp_path / "a.jsonl", lines(case)), {}, language=None)
            assert found.value == pytest.approx(case["expected"]["value"]), case["id"]


MATCH = {"none": "exact", "lower+strip_punct+squeeze": "normalized"}


@pytest.mark.parametrize("case", cases("accuracy"), ids=lambda case: case["id"])
def test_golden_accuracies_of_compared_text(case: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", lines(case))
    match = MATCH[case["settings"]["normalise"]]
    found = score_file("accuracy", path, {"match": match}, language=None)
    assert found.value == pytest.approx(case["expected"]["value"], abs=1e-6)
    assert found.n_scored == len(case["hyps"])
    assert found.signature.startswith(f"accuracy|match:{match}")


def test_labels_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "a", "hyp": "happy or sad", "refs": "happy"}])
    assert score_file("accuracy", path, {}, language="en").value == 1
    found = score_file("accuracy", path, {}, language="en", labels=("Happy", "Sad"))
    assert (found.value, found.remarks) == (0, {"multiple": 1})


def test_golden_diversity_needs_no_reference(tmp_path: Path) -> None:
    (case,) = cases("diversity")
    rows = [{"id": str(number), "hyp": text} for number, text in enumerate(case["hyps"])]
    found = score_file("diversity", write(tmp_path / "a.jsonl", rows), {}, language="en")
    assert (found.value, found.unit) == (pytest.approx(case["expected"]["mean_distinct"]), "words")


def test_the_interval_resamples_what_lines_belong_to(tmp_path: Path) -> None:
    rows = [
        {"id": n, "hyp": "a b" if n % 4 else "a c", "refs": ["a b"], "cluster": f"speaker {n // 20}"} for n in range(60)
    ]
    found = score_file("wer", write(tmp_path / "a.jsonl", rows), {}, language="en")
    alone = score_file("wer", write(tmp_path / "b.jsonl", [{**row, "cluster": []} for row in rows]), {}, language="en")
    assert found.ci is None  # every speaker has the same rate
    assert alone.ci is not None and alone.ci.n_clusters == 60
    assert alone.ci.low < 12.5 < alone.ci.high


def test_grounding_and_unscored_lines_are_counted(tmp_path: Path) -> None:
    rows = [{"id": "a", "hyp": "a dog", "refs": ["a dog barks"]}, {"id": "b", "hyp": "x", "refs": ["rain falls"]}]
    found = score_file("grounding", write(tmp_path / "a.jsonl", [*rows, {"id": "c", "hyp": "x"}]), {}, language="en")
    assert (found.n_scored, found.n_unscored) == (2, 1)
    assert found.remarks == {"there are no captions of this clip and of others to tell apart": 1}
    assert found.value == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"id": "a", "hyp": "x", "refs": ["y"]}\n{"id": "a", "hyp": "x"}', ":2: id 'a' stands on line 1 too"),
        ('{"id": "a", "refs": ["y"]}', ":1: expected either `hyp` (a text) or `hyps`"),
        ('{"id": "a", "hyps": ["x"], "refs": ["y"]}', ":1: `hyps` is for cpwer only; metric 'wer' takes `hyp`"),
        ('{"id": "a", "hyp": 3}', ":1: not a valid line"),
        ('{"id": "a", "hyp": "x", "ref": "y"}', ":1: not a valid line"),
        ("[1", ":1: not a valid line"),
        ("\n\n", ": no line to score; expected JSONL with id, hyp and refs"),
    ],
)
def test_a_broken_file_is_told_with_its_line(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as fault:
        score_file("wer", path, {}, language="en")
    assert f"{path}{sentence}" in str(fault.value)


def test_parts_on_some_lines_only_are_refused(tmp_path: Path) -> None:
    rows = [{"id": "a", "hyps": ["x"], "refs": ["y"]}, {"id": "b", "hyp": "x", "refs": ["y"]}]
    with pytest.raises(UsageError, match="some lines have `hyp` and some `hyps`"):
        score_file("cpwer", write(tmp_path / "a.jsonl", rows), {}, language="en")


def test_languages_metrics_and_settings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "a", "hyp": "今天", "refs": ["今天"]}])
    for metric, settings, language, sentence in (
        ("wer", {}, "zh", "cannot count words of 'zh'"),
        ("wer", {"normalizer": "whisper-en"}, "de", "normalizer 'whisper-en' is for en only"),
        ("bleu", {"tokenize": "13a"}, "zh", "parts text at spaces, which 'zh' does not have"),
        ("bleu", {}, None, "needs to know the answers' language"),
        ("wer", {"normaliser": "none"}, "en", "has no setting 'normaliser'"),
        ("werr", {}, "en", "did you mean 'wer'"),
        ("slot_accuracy", {}, "en", "needs a following rule"),
    ):
        with pytest.raises(UsageError, match=sentence):
            score_file(metric, path, settings, language=language)
    with pytest.raises(PrerequisiteError, match="needs a judge; name one with --judge-model"):
        score_file("judge_accuracy", path, {}, language="en")
