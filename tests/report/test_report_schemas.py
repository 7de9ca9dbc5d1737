"""The published JSON Schemas."""

import json
from pathlib import Path

import msgspec
from report_values import one_run

from salmonn_eval.report.schemas import schemas

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def test_published_copies_are_what_the_records_say() -> None:
    published = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in PUBLISHED.glob("*.json")}
    assert published == schemas()


def test_a_results_file_has_exactly_the_fields_of_its_schema() -> None:
    schema = schemas()["results"]["$defs"]["MetricValue"]
    (first, *_) = msgspec.to_builtins(one_run())
    assert set(first) == set(schema["properties"])
    assert set(schema["required"]) <= set(first)
