"""What the benchmark scripts share: a child process with its time and memory, and one way to print and keep a table."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def run(command: Sequence[str], **environment: str) -> dict[str, float]:
    """Run a command to its end: wall seconds and peak resident megabytes; raises if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed:\n{complaint.decode()}")
    return {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1024}


def salmonn_eval(*words: str) -> list[str]:
    """The command line of this interpreter's salmonn-eval."""
    return [sys.executable, "-m", "salmonn_eval", *words]


def median(measured: Sequence[dict[str, float]], what: str) -> float:
    """Median of one figure over repeated runs."""
    return statistics.median(one[what] for one in measured)


def report(name: str, rows: Sequence[dict[str, Any]], target: Path) -> None:
    """Print the rows as a Markdown table and keep them as JSON with machine and date."""
    keys = list(rows[0])
    print("| " + " | ".join(keys) + " |\n|" + " --- |" * len(keys))
    for row in rows:
        print("| " + " | ".join(_cell(row[key]) for key in keys) + " |")
    target.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    kept = {"benchmark": name, "date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, "rows": list(rows)}
    (target / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
