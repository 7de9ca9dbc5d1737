"""The benchmark scripts run to their end on a tiny network, and their native answers are those of the other way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SMALL = ["--shape", "tiny", "--seconds", "2", "--tokens", "5", "--rows", "3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("salmonn_cpu", ["--clips", "2"]),
        ("salmonn_gpu", ["--device", "cpu", "--clips", "4", "--alone", "2", "--side", "64"]),
    ],
)
def test_script_measures_equal_outputs(script: str, more: list[str], tmp_path: Path):
    command = [sys.executable, f"{script}.py", *SMALL, *more, "--keep", str(tmp_path)]
    subprocess.run(command, cwd=BENCHMARKS, check=True, capture_output=True, env=_environment())
    rows = json.loads((tmp_path / f"{script}.json").read_text())["rows"]
    compared = [row["note"] for row in rows if row["what"].startswith("native")]
    assert compared
    assert all("100.0% of outputs equal" in note or "outputs equal: 100%" in note for note in compared)
    assert all(row["seconds"] > 0 for row in rows if row["what"].startswith(("native", "one", "five")))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent), "OMP_NUM_THREADS": "1"}
