"""`table --common`: values over the intersection, against counting words."""

from pathlib import Path

import pytest
from paired_runs import answered, right, rows, shortened

from salmonn_eval.errors import UsageError
from salmonn_eval.report import load
from salmonn_eval.report.common import on_common
from salmonn_eval.report.rows import lines
from salmonn_eval.report.scored import read_scored
from salmonn_eval.report.wide import wide


def test_values_are_over_the_samples_that_all_have(tmp_path: Path) -> None:
    whole = answered(tmp_path / "whole", shortened(right(), 2))
    part = answered(tmp_path / "part", right(), limit=30)
    with pytest.raises(UsageError, match="asked"):
        wide(load.joined([whole, part]))
    runs = [read_scored(path) for path in (whole, part)]
    values = load.named(list(zip((whole, part), on_common(runs), strict=True)))
    ids = set(runs[1].sets[0].items)
    words = sum(len(row["references"][0].split()) for row in rows() if row["id"] in ids)
    lost = sum(row["id"] in ids for number, row in enumerate(rows()) if number % 2 == 0)
    mine = next(v for v in values if v.model == "replay (whole)" and "norm:plain" in v.signature and v.metric == "wer")
    assert mine.value == pytest.approx(100 * lost / words)
    assert (mine.n_scored, mine.n_planned, mine.ci is not None) == (30, 30, True)
    assert {cell.values[0].n_scored for row in wide(values).rows for cell in row.cells if cell} == {30}
    assert lines(values)


def test_the_common_samples_of_one_run_are_its_own(tmp_path: Path) -> None:
    run = read_scored(answered(tmp_path / "run", shortened(right(), 2)))
    (values,) = on_common([run])
    before = {
        (v.metric, v.signature): (v.value, v.ci) for v in load.results(run.path) if v.reading == "all" and not v.group
    }
    assert {(v.metric, v.signature): (v.value, v.ci) for v in values} == before
